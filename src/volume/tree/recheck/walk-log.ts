import { type BigIntStats, closeSync, readSync, writeSync } from 'node:fs'
import { openUnnamedFile } from '../../../lib/unnamed-file.ts'
import type { EntryType, TreeEntry } from '../entry.ts'
import { joinPath } from '../join-path.ts'

/** Differs if a directory changed since it was listed. */
export type FolderStamp = Pick<TreeEntry, 'device' | 'inode' | 'mtimeNs' | 'ctimeNs'>

export function makeStamp({ dev, ino, mtimeNs, ctimeNs }: BigIntStats): FolderStamp {
  return { device: dev, inode: ino, mtimeNs, ctimeNs }
}

export interface LoggedFolder extends FolderStamp {
  path: Buffer
  /** The clock's time just before it was listed. */
  listedMs: number
  /** The offset of its last names in the file; 0 if it has none. */
  lastNames: number
}

export interface LoggedName {
  name: Buffer
  /** Undefined if the entry could not be backed up. */
  type: EntryType | 'mount' | undefined
  inode: bigint
  ctimeNs: bigint
}

/** Records the names of one directory while it is read. */
export interface FolderLog {
  add(name: Buffer, entry: TreeEntry | undefined, isMount: boolean): void
  /** Call it after the last name. */
  close(): void
}

/** The results for some names of a directory; `seen` has the same order as `names`. */
export interface SeenNames {
  folder: Buffer
  names: readonly Buffer[]
  seen: readonly ({ item: { entry: TreeEntry }; isMount: boolean } | undefined)[]
  /** Paths of names that were gone, as latin1 text; they count as never seen. */
  vanished: ReadonlySet<string>
}

export function logSeen(log: FolderLog, { folder, names, seen, vanished }: SeenNames): void {
  for (const [at, name] of names.entries()) {
    const one = seen[at]
    if (!one && vanished.has(joinPath(folder, name).toString('latin1'))) continue
    log.add(name, one?.item.entry, one?.isMount ?? false)
  }
}

const TYPES: readonly LoggedName['type'][] = [
  ...[undefined, 'file', 'directory', 'symlink', 'fifo', 'chardev', 'blockdev', 'mount'],
] as const
/** Type, inode, ctime, length of the name; the name follows. */
const NAME_HEAD_BYTES = 19
/** Offset of the names before these, length in bytes; the names follow. */
const NAMES_HEAD_BYTES = 12
/** Device, inode, mtime, ctime, listed, last names (8 bytes each), length of the path; the path follows. */
const FOLDER_HEAD_BYTES = 52
/** The names of a directory are written in pieces of this size. */
const NAMES_PIECE_BYTES = 8 * 1024
const MAX_UNWRITTEN_BYTES = 256 * 1024
/** The file starts at this offset, so that 0 can mean "none". */
const START_OFFSET = 8

/**
 * Records each directory of a walk and each name in it, so that they can be checked again after the walk. It is kept in
 * an unnamed temporary file, about 30 bytes a name; eight bytes a directory are in memory.
 */
export class WalkLog implements Disposable {
  #fd = -1
  #end = START_OFFSET
  #unwritten: Buffer[] = []
  #unwrittenBytes = 0
  #folders = new Float64Array(64)
  #count = 0
  /** Directories that will be listed again: path → offset of their known names. */
  readonly #listedAgain = new Map<string, number>()

  /** The number of directories, those included that were listed again and are empty now. */
  get folderCount(): number {
    return this.#count
  }

  /** Call it before a directory is listed. `again`: only if listAgain() was called for it, to add its new names. */
  openFolder(path: Buffer, stamp: FolderStamp, again: boolean): FolderLog | undefined {
    const key = path.toString('latin1')
    const known = this.#listedAgain.get(key)
    if (again && known === undefined) return undefined
    this.#listedAgain.delete(key)
    const folder: LoggedFolder = { path, ...stamp, listedMs: Date.now(), lastNames: known ?? 0 }
    let names: Buffer[] = []
    let bytes = 0
    const write = () => {
      if (bytes > 0) folder.lastNames = this.#append(encodeNames(names, bytes, folder.lastNames))
      names = []
      bytes = 0
    }
    return {
      add: (name, entry, isMount) => {
        const encoded = encodeName(name, entry, isMount)
        names.push(encoded)
        bytes += encoded.length
        if (bytes >= NAMES_PIECE_BYTES) write()
      },
      close: () => {
        write()
        this.#addFolder(this.#append(encodeFolder(folder)))
      },
    }
  }

  /** Undefined if it was listed again. */
  folderAt(index: number): LoggedFolder | undefined {
    const at = this.#folders[index] ?? 0
    if (at === 0) return undefined
    const head = this.#read(at, FOLDER_HEAD_BYTES)
    const path = this.#read(at + FOLDER_HEAD_BYTES, head.readUInt32LE(48))
    return decodeFolder(head, path)
  }

  /** Removes the directory at an index, because it will be listed again; its names stay known. */
  listAgain(index: number): void {
    const folder = this.folderAt(index)
    if (folder) this.#listedAgain.set(folder.path.toString('latin1'), folder.lastNames)
    this.#folders[index] = 0
  }

  /** Reads the names of a directory in batches, the last ones first. A batch is valid until the next one. */
  *names({ lastNames }: Pick<LoggedFolder, 'lastNames'>): Generator<LoggedName[]> {
    for (let at = lastNames; at !== 0; ) {
      const head = this.#read(at, NAMES_HEAD_BYTES)
      yield decodeNames(this.#read(at + NAMES_HEAD_BYTES, head.readUInt32LE(8)))
      at = head.readDoubleLE(0)
    }
  }

  /** Returns those of the inodes that the walk saw under any name. */
  findInodes(wanted: ReadonlySet<bigint>): Set<bigint> {
    const found = new Set<bigint>()
    for (const lastNames of this.#allNames()) {
      for (const names of this.names({ lastNames }))
        for (const { inode, type } of names) if (type !== undefined && wanted.has(inode)) found.add(inode)
      if (found.size === wanted.size) break
    }
    return found
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd)
  }

  *#allNames(): Generator<number> {
    yield* this.#listedAgain.values()
    for (let index = 0; index < this.#count; index++) yield this.folderAt(index)?.lastNames ?? 0
  }

  #addFolder(at: number): void {
    if (this.#count === this.#folders.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#folders)
      this.#folders = larger
    }
    this.#folders[this.#count++] = at
  }

  #append(bytes: Buffer): number {
    const at = this.#end
    this.#unwritten.push(bytes)
    this.#unwrittenBytes += bytes.length
    this.#end += bytes.length
    if (this.#unwrittenBytes >= MAX_UNWRITTEN_BYTES) this.#write()
    return at
  }

  #write(): void {
    if (this.#unwrittenBytes === 0) return
    if (this.#fd < 0) this.#fd = openUnnamedFile()
    const bytes = Buffer.concat(this.#unwritten)
    const from = this.#end - bytes.length
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at, bytes.length - at, from + at)
    this.#unwritten = []
    this.#unwrittenBytes = 0
  }

  #read(at: number, length: number): Buffer {
    this.#write()
    const bytes = Buffer.allocUnsafe(length)
    readSync(this.#fd, bytes, 0, length, at)
    return bytes
  }
}

function encodeName(name: Buffer, entry: TreeEntry | undefined, isMount: boolean): Buffer {
  const bytes = Buffer.allocUnsafe(NAME_HEAD_BYTES + name.length)
  bytes[0] = TYPES.indexOf(isMount ? 'mount' : entry?.type)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, entry?.inode ?? 0n), 1)
  bytes.writeBigInt64LE(BigInt.asIntN(64, entry?.ctimeNs ?? 0n), 9)
  bytes.writeUInt16LE(name.length, 17)
  name.copy(bytes, NAME_HEAD_BYTES)
  return bytes
}

function encodeNames(names: Buffer[], bytes: number, before: number): Buffer {
  const head = Buffer.allocUnsafe(NAMES_HEAD_BYTES)
  head.writeDoubleLE(before, 0)
  head.writeUInt32LE(bytes, 8)
  return Buffer.concat([head, ...names], NAMES_HEAD_BYTES + bytes)
}

function decodeNames(bytes: Buffer): LoggedName[] {
  const names: LoggedName[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + NAME_HEAD_BYTES + bytes.readUInt16LE(at + 17)
    names.push({
      name: bytes.subarray(at + NAME_HEAD_BYTES, end),
      type: TYPES[bytes[at] ?? 0],
      inode: bytes.readBigUInt64LE(at + 1),
      ctimeNs: bytes.readBigInt64LE(at + 9),
    })
    at = end
  }
  return names
}

function encodeFolder({ path, device, inode, mtimeNs, ctimeNs, listedMs, lastNames }: LoggedFolder): Buffer {
  const bytes = Buffer.allocUnsafe(FOLDER_HEAD_BYTES + path.length)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, device), 0)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, inode), 8)
  bytes.writeBigInt64LE(BigInt.asIntN(64, mtimeNs), 16)
  bytes.writeBigInt64LE(BigInt.asIntN(64, ctimeNs), 24)
  bytes.writeDoubleLE(listedMs, 32)
  bytes.writeDoubleLE(lastNames, 40)
  bytes.writeUInt32LE(path.length, 48)
  path.copy(bytes, FOLDER_HEAD_BYTES)
  return bytes
}

function decodeFolder(head: Buffer, path: Buffer): LoggedFolder {
  return {
    path,
    device: head.readBigUInt64LE(0),
    inode: head.readBigUInt64LE(8),
    mtimeNs: head.readBigInt64LE(16),
    ctimeNs: head.readBigInt64LE(24),
    listedMs: head.readDoubleLE(32),
    lastNames: head.readDoubleLE(40),
  }
}
