import { readSync } from 'node:fs'
import { describeReason } from '../../volume/tree/describe-reason.ts'
import { type Chunker, MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from '../codec/chunker.ts'
import type { BlobMaker } from './blob-maker.ts'
import { type FileJob, ID_LENGTH } from './content-messages.ts'

/** The buffer size of a Chunker: one unfinished chunk, and the data that is read after it. */
export const CHUNKER_BUFFER_BYTES = 2 * MAX_CHUNK_BYTES

const SHRANK = 'shrank while it was read: the rest of it is zeros'
/** The ids of a file are one line of JSON, whose length is limited: about 6 TiB of data, or 2 TiB of holes. */
const MAX_PIECES = 1 << 22
const TOO_MANY = `has more than ${MAX_PIECES} pieces, more than a snapshot can hold of one file: it is left out. A full backup holds it`

export interface FilePieces {
  /** null if the file is left out. */
  ids: Buffer | null
  fault: string | undefined
}

/** Runs in a thread: reads an open file up to its size, and cuts it into chunks. */
export function readPieces(file: FileJob, chunker: Chunker, maker: BlobMaker): FilePieces {
  const reading = new FileReading(file, chunker, maker)
  reading.run()
  if (reading.pieces > MAX_PIECES) return { ids: null, fault: TOO_MANY }
  return { ids: Buffer.concat(reading.ids), fault: reading.fault }
}

class FileReading {
  readonly ids: Buffer[] = []
  pieces = 0
  fault: string | undefined
  readonly #file: FileJob
  readonly #chunker: Chunker
  readonly #maker: BlobMaker
  /** The file offset of the next read. */
  #position = 0
  /** The end of the unfinished chunk in the chunker's buffer; it starts at 0. */
  #filled = 0
  /** The index of the current or next extent. */
  #extent = 0

  constructor(file: FileJob, chunker: Chunker, maker: BlobMaker) {
    this.#file = file
    this.#chunker = chunker
    this.#maker = maker
  }

  run(): void {
    this.#chunker.reset()
    const { size } = this.#file
    while (this.#position < size && this.pieces <= MAX_PIECES) {
      if (this.#filled === 0) this.#skipZeros()
      const from = this.#filled
      this.#fill()
      this.#cut(from)
    }
    if (this.#filled > 0) this.#put([this.#chunker.buffer.subarray(0, this.#filled)])
  }

  #put(pieces: Buffer[]): void {
    this.ids.push(this.#maker.put(pieces))
    this.pieces += pieces.length
  }

  /** Zeros are always cut at the minimum size, so a hole at the start of a chunk need not be processed. */
  #skipZeros(): void {
    const count = Math.floor((this.#nextData() - this.#position) / MIN_CHUNK_BYTES)
    this.pieces += count
    if (count === 0 || this.pieces > MAX_PIECES) return
    const id = this.#maker.put([ZEROS], count * MIN_CHUNK_BYTES)
    this.ids.push(Buffer.alloc(count * ID_LENGTH, id))
    this.#position += count * MIN_CHUNK_BYTES
  }

  /** Fills the buffer up to its end, or to the end of the file. */
  #fill(): void {
    const { buffer } = this.#chunker
    const end = Math.min(buffer.length, this.#filled + this.#file.size - this.#position)
    while (this.#filled < end) {
      const data = this.#nextData()
      const left = end - this.#filled
      const hole = Math.min(data - this.#position, left)
      if (hole > 0) this.#zeros(hole)
      else
        this.#read(
          buffer.subarray(this.#filled, this.#filled + Math.min(left, this.#dataEnd() - this.#position)),
        )
    }
  }

  #zeros(length: number): void {
    this.#chunker.buffer.fill(0, this.#filled, this.#filled + length)
    this.#filled += length
    this.#position += length
  }

  #read(into: Buffer): void {
    let count = 0
    try {
      if (this.fault === undefined) count = readSync(this.#file.fd, into, 0, into.length, this.#position)
      if (count === 0) this.fault ??= SHRANK
    } catch (error) {
      this.fault = `cannot be read to its end: ${describeReason(error)}; the rest of it is zeros`
    }
    if (this.fault !== undefined) this.#zeros(into.length)
    else {
      this.#filled += count
      this.#position += count
    }
  }

  /** Emits complete chunks, and moves the unfinished one to the front of the buffer. */
  #cut(from: number): void {
    const { buffer } = this.#chunker
    const pieces: Buffer[] = []
    let start = 0
    let at = from
    for (;;) {
      const end = this.#chunker.next(at, this.#filled)
      if (end === undefined) break
      pieces.push(buffer.subarray(start, end))
      start = at = end
    }
    if (pieces.length > 0) this.#put(pieces)
    buffer.copyWithin(0, start, this.#filled)
    this.#filled -= start
  }

  /** The offset of the next data at or after the position; the end of the file if there is none. */
  #nextData(): number {
    const { extents, size } = this.#file
    if (!extents) return this.#position
    for (let extent = extents[this.#extent]; extent; extent = extents[++this.#extent]) {
      if (extent.offset + extent.length > this.#position) return Math.max(extent.offset, this.#position)
    }
    return size
  }

  /** The end of the data at the position. */
  #dataEnd(): number {
    const extent = this.#file.extents?.[this.#extent]
    return extent ? extent.offset + extent.length : this.#file.size
  }
}

const ZEROS = Buffer.alloc(MIN_CHUNK_BYTES)
