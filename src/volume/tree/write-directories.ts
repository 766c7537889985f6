import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { SLASH_BYTES } from '../../lib/byte-paths.ts'
import type { TreeEntry } from './entry.ts'
import type { OutputFolder } from './write-folder.ts'
import { countComponents } from './write-paths.ts'

/** Bytes of records kept in memory before they are written to the file. */
const MAX_MEMORY_BYTES = 1 << 20
const SPILL_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * The metadata of directories, kept until everything in them is written. All but the last MiB is in an unlinked file in
 * the target, so that a million directories take about 20 MB of memory.
 */
export class DirectoryLedger {
  readonly #target: OutputFolder
  readonly #offsets: number[] = []
  readonly #depths: number[] = []
  #waiting: Buffer[] = []
  #spilled = 0
  #end = 0
  #spill: number | undefined
  #moved: { top: Buffer; count: number } | undefined

  constructor(target: OutputFolder) {
    this.#target = target
  }

  add(entry: TreeEntry): void {
    const record = serialize(entry)
    this.#offsets.push(this.#end)
    this.#depths.push(countComponents(entry.path))
    this.#waiting.push(record)
    this.#end += record.length
    if (this.#end - this.#spilled >= MAX_MEMORY_BYTES) this.#flush()
  }

  /** Records that all directories so far were moved into a directory `top`. At most once. */
  moveBelow(top: Buffer): void {
    this.#moved = { top, count: this.#offsets.length }
    for (const index of this.#depths.keys()) this.#depths[index] = (this.#depths[index] ?? 0) + 1
  }

  /**
   * Yields the deepest directories first, in whatever order they were added; later records of a directory come
   * first.
   */
  *bottomUp(): Generator<TreeEntry> {
    this.#waiting = [Buffer.concat(this.#waiting)]
    const order = Uint32Array.from(this.#offsets.keys())
    order.sort((a, b) => (this.#depths[b] ?? 0) - (this.#depths[a] ?? 0) || b - a)
    for (const index of order) yield this.#read(index)
  }

  close(): void {
    if (this.#spill !== undefined) closeSync(this.#spill)
    this.#spill = undefined
  }

  #read(index: number): TreeEntry {
    const start = this.#offsets[index] ?? 0
    const end = this.#offsets[index + 1] ?? this.#end
    const entry = deserialize(this.#bytes(start, end - start)) as TreeEntry
    if (!this.#moved || index >= this.#moved.count) return entry
    return { ...entry, path: Buffer.concat([this.#moved.top, SLASH_BYTES, entry.path]) }
  }

  #bytes(start: number, length: number): Buffer {
    const inMemory = start - this.#spilled
    if (inMemory >= 0) return this.#waiting[0]?.subarray(inMemory, inMemory + length) ?? Buffer.alloc(0)
    const record = Buffer.alloc(length)
    readSync(this.#spill ?? -1, record, 0, length, start)
    return record
  }

  #flush(): void {
    this.#spill ??= this.#openSpill()
    for (const record of this.#waiting) {
      writeSync(this.#spill, record, 0, record.length, this.#spilled)
      this.#spilled += record.length
    }
    this.#waiting = []
  }

  #openSpill(): number {
    const path = this.#target.at(Buffer.from(`.directories-${randomBytes(12).toString('hex')}`))
    const fd = openSync(path, SPILL_FLAGS, 0o600)
    unlinkSync(path)
    return fd
  }
}
