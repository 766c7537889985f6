import { closeSync, readSync, writeSync } from 'node:fs'
import { openUnnamedFile } from '../../lib/unnamed-file.ts'
import type { TreeEntry } from './entry.ts'

/** Where the content of an inode with several names was stored. */
export interface LinkTarget {
  path: Buffer
  /** Where its entry starts in the tar stream. */
  offset: number
}

export interface FoundLink extends LinkTarget {
  /**
   * False if the inode changed since its first name was added, or belongs to another file now: file systems soon reuse
   * the inode number of a deleted file.
   */
  isSame: boolean
}

/** The fields that are equal for all names of one file. */
export type LinkIdentity = Pick<
  TreeEntry,
  'type' | 'size' | 'mtimeNs' | 'ctimeNs' | 'device' | 'inode' | 'links'
>

/**
 * Offsets of the fields of a record in the file. The path follows; records are padded to a multiple of PADDING_BYTES.
 */
const AT = { device: 0, inode: 8, offset: 16, size: 24, mtime: 32, ctime: 40, type: 48, names: 56, path: 60 }
const HEAD_BYTES = 64
const TYPE_LENGTH = AT.names - AT.type
const PADDING_BYTES = 16
const INITIAL_SLOTS = 1 << 12
/** The table is doubled if it is fuller than this. */
const MAX_LOAD = 0.6

/**
 * The first name of each inode that has several. Made for millions: takes five bytes of memory a slot, and keeps the
 * rest in an unnamed temporary file.
 */
export class LinkTable implements Disposable {
  readonly #head = Buffer.alloc(HEAD_BYTES)
  #fd = -1
  #end = PADDING_BYTES
  #count = 0
  /** The start of the record in units; 0 = free. `tags` has eight more bits of the hash, which avoids most reads. */
  #slots = new Uint32Array(INITIAL_SLOTS)
  #tags = new Uint8Array(INITIAL_SLOTS)

  /** Finds the first name of this inode. Counts one more name, if it is the same file and has names left. */
  claim(entry: LinkIdentity): FoundLink | undefined {
    const at = this.#fd < 0 ? 0 : (this.#slots[this.#findSlot(entry.device, entry.inode)] as number)
    return at === 0 ? undefined : claimName(this.#fd, at * PADDING_BYTES, entry)
  }

  /** Adds the first name of a file; replaces an earlier file with the same inode number. */
  add(entry: LinkIdentity, target: LinkTarget): void {
    if (this.#fd < 0) this.#fd = openUnnamedFile()
    if (++this.#count > this.#slots.length * MAX_LOAD) this.#grow()
    const record = encodeRecord(entry, target)
    writeSync(this.#fd, record, 0, record.length, this.#end)
    this.#slots[this.#findSlot(entry.device, entry.inode)] = this.#end / PADDING_BYTES
    this.#end += record.length
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd)
  }

  /** The slot of the inode, or the free slot for it. */
  #findSlot(device: bigint, inode: bigint): number {
    const slots = this.#slots
    const tags = this.#tags
    const hash = hashInode(device, inode)
    let slot = hash & (slots.length - 1)
    while (slots[slot] !== 0 && !(tags[slot] === hash >>> 24 && this.#holds(slot, device, inode))) {
      slot = (slot + 1) & (slots.length - 1)
    }
    tags[slot] = hash >>> 24
    return slot
  }

  #holds(slot: number, device: bigint, inode: bigint): boolean {
    const head = this.#readHead(this.#slots[slot] as number)
    return head.readBigUInt64LE(AT.inode) === inode && head.readBigUInt64LE(AT.device) === device
  }

  #grow(): void {
    const records = this.#slots.filter((at) => at !== 0)
    this.#slots = new Uint32Array(this.#slots.length * 2)
    this.#tags = new Uint8Array(this.#slots.length)
    for (const at of records) {
      const head = this.#readHead(at)
      const slot = this.#findSlot(head.readBigUInt64LE(AT.device), head.readBigUInt64LE(AT.inode))
      this.#slots[slot] = at
    }
  }

  /** Valid until the next call. */
  #readHead(at: number): Buffer {
    readSync(this.#fd, this.#head, 0, HEAD_BYTES, at * PADDING_BYTES)
    return this.#head
  }
}

function encodeRecord(entry: LinkIdentity, { path, offset }: LinkTarget): Buffer {
  const record = Buffer.alloc(Math.ceil((HEAD_BYTES + path.length) / PADDING_BYTES) * PADDING_BYTES)
  record.writeBigUInt64LE(entry.device, AT.device)
  record.writeBigUInt64LE(entry.inode, AT.inode)
  record.writeDoubleLE(offset, AT.offset)
  record.writeDoubleLE(entry.size, AT.size)
  record.writeBigInt64LE(BigInt.asIntN(64, entry.mtimeNs), AT.mtime)
  record.writeBigInt64LE(BigInt.asIntN(64, entry.ctimeNs), AT.ctime)
  record.write(entry.type.slice(0, TYPE_LENGTH), AT.type, 'latin1')
  record.writeUInt32LE(1, AT.names)
  record.writeUInt32LE(path.length, AT.path)
  path.copy(record, HEAD_BYTES)
  return record
}

/** Reads the record at an offset, and counts one more name in it if it is of the same file. */
function claimName(fd: number, at: number, entry: LinkIdentity): FoundLink {
  const head = Buffer.alloc(HEAD_BYTES)
  readSync(fd, head, 0, HEAD_BYTES, at)
  const path = Buffer.alloc(head.readUInt32LE(AT.path))
  readSync(fd, path, 0, path.length, at + HEAD_BYTES)
  const names = head.readUInt32LE(AT.names)
  const isSame = names < entry.links && describes(head, entry)
  if (isSame) {
    head.writeUInt32LE(names + 1, AT.names)
    writeSync(fd, head, AT.names, 4, at + AT.names)
  }
  return { path, offset: head.readDoubleLE(AT.offset), isSame }
}

function describes(head: Buffer, { type, size, mtimeNs, ctimeNs }: LinkIdentity): boolean {
  return (
    head.readDoubleLE(AT.size) === size &&
    head.readBigInt64LE(AT.mtime) === BigInt.asIntN(64, mtimeNs) &&
    head.readBigInt64LE(AT.ctime) === BigInt.asIntN(64, ctimeNs) &&
    head.toString('latin1', AT.type, AT.names).replaceAll('\0', '') === type.slice(0, TYPE_LENGTH)
  )
}

function hashInode(device: bigint, inode: bigint): number {
  const low = Number(inode & 0xffffffffn)
  const rest = Number((inode >> 32n) & 0xffffffffn) ^ Number(device & 0xffffffffn)
  let hash = Math.imul(low ^ Math.imul(rest, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
