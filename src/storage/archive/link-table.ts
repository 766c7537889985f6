import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the content of an inode with several names was put. */
export interface LinkTarget {
  path: Buffer
  /** Where its entry starts in the tar stream. */
  offset: number
}

/**
 * The first name of each inode that has several. Millions of them: five bytes of memory a slot, the rest in a
 * temporary file that nobody else can see.
 */
export interface LinkTable extends Disposable {
  find(device: bigint, inode: bigint): LinkTarget | undefined
  add(device: bigint, inode: bigint, target: LinkTarget): void
}

/** In the file: device, inode, offset (8 bytes each), length of the path (4), the path, up to a multiple of UNIT. */
const HEAD = 28
const UNIT = 16
const FIRST_SLOTS = 1 << 12
const FULL = 0.6

export function createLinkTable(): LinkTable {
  const head = Buffer.alloc(HEAD)
  let fd = -1
  let end = UNIT
  let count = 0
  /** Where the record starts, in units; 0 = free. Beside it eight more bits of the hash, to spare most reads. */
  let slots = new Uint32Array(FIRST_SLOTS)
  let tags = new Uint8Array(FIRST_SLOTS)

  const holds = (slot: number, device: bigint, inode: bigint): boolean => {
    readSync(fd, head, 0, HEAD, (slots[slot] as number) * UNIT)
    return head.readBigUInt64LE(8) === inode && head.readBigUInt64LE(0) === device
  }
  /** The slot of the inode, or the free one where it belongs. */
  const slotOf = (device: bigint, inode: bigint): number => {
    const hash = hashOf(device, inode)
    let slot = hash & (slots.length - 1)
    while (slots[slot] !== 0 && !(tags[slot] === hash >>> 24 && holds(slot, device, inode))) {
      slot = (slot + 1) & (slots.length - 1)
    }
    tags[slot] = hash >>> 24
    return slot
  }
  const grow = () => {
    const records = slots.filter((at) => at !== 0)
    slots = new Uint32Array(slots.length * 2)
    tags = new Uint8Array(slots.length)
    for (const at of records) {
      readSync(fd, head, 0, HEAD, at * UNIT)
      slots[slotOf(head.readBigUInt64LE(0), head.readBigUInt64LE(8))] = at
    }
  }
  return {
    find(device, inode) {
      const at = fd < 0 ? 0 : (slots[slotOf(device, inode)] as number)
      return at === 0 ? undefined : readTarget(fd, at * UNIT)
    },
    add(device, inode, { path, offset }) {
      if (fd < 0) fd = openUnnamed()
      if (++count > slots.length * FULL) grow()
      const record = Buffer.alloc(Math.ceil((HEAD + path.length) / UNIT) * UNIT)
      record.writeBigUInt64LE(device, 0)
      record.writeBigUInt64LE(inode, 8)
      record.writeDoubleLE(offset, 16)
      record.writeUInt32LE(path.length, 24)
      path.copy(record, HEAD)
      writeSync(fd, record, 0, record.length, end)
      slots[slotOf(device, inode)] = end / UNIT
      end += record.length
    },
    [Symbol.dispose]() {
      if (fd >= 0) closeSync(fd)
    },
  }
}

function readTarget(fd: number, at: number): LinkTarget {
  const head = Buffer.alloc(HEAD)
  readSync(fd, head, 0, HEAD, at)
  const path = Buffer.alloc(head.readUInt32LE(24))
  readSync(fd, path, 0, path.length, at + HEAD)
  return { path, offset: head.readDoubleLE(16) }
}

function hashOf(device: bigint, inode: bigint): number {
  const low = Number(inode & 0xffffffffn)
  const rest = Number((inode >> 32n) & 0xffffffffn) ^ Number(device & 0xffffffffn)
  let hash = Math.imul(low ^ Math.imul(rest, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** A file without a name: gone when it is closed, whatever happens. */
function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-links-'))
  try {
    return openSync(join(folder, 'links'), 'wx+', 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
