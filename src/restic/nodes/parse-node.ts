import { SLASH } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { readMajor, readMinor } from '../../lib/kernel/device-number.ts'
import type { EntryType, TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { splitFlags } from './flags-attribute.ts'
import { fromGoMode } from './go-mode.ts'
import { goUnquote } from './go-quote.ts'
import { parseGoTime } from './go-time.ts'
import { NODE_TYPES, type Node } from './node.ts'

/** A node from JSON.parse, not checked yet. Numbers that JavaScript cannot hold are text (see quoteLargeNumbers). */
export type RawNode = Record<string, unknown>

const TYPES = new Map(Object.entries(NODE_TYPES).map(([type, restics]) => [restics, type as EntryType]))
/** restic stores these types, but cannot restore them either. */
const NOT_RESTORABLE = new Set(['socket', 'irregular'])
const LARGE_NUMBER = /"(inode|device_id|device|size|links)":(\d{16,})/g
const MAY_BE_LARGE = /:\d{16}/

/** Turns numbers of 64 bits into text, so that JSON.parse does not round them. */
export function quoteLargeNumbers(json: string): string {
  return MAY_BE_LARGE.test(json) ? json.replaceAll(LARGE_NUMBER, '"$1":"$2"') : json
}

/** The start of all paths in `folder`: empty, or with a slash at its end. */
export function pathPrefix(folder: Buffer): Buffer {
  return folder.length === 0 ? folder : Buffer.concat([folder, Buffer.from('/')])
}

export function badTree(why: string): BackupdError {
  return new BackupdError('SNAPSHOT_CORRUPT', `A directory in the repository is damaged: ${why}`, {
    facts: { why },
  })
}

/**
 * Decodes a node that JSON.parse returned; `prefix` comes from pathPrefix(). Undefined for a socket. Throws
 * SNAPSHOT_CORRUPT.
 */
export function decodeNode(raw: RawNode, prefix: Buffer): Node | undefined {
  const name = nodeName(raw.name)
  const type = TYPES.get(raw.type as string)
  if (type === undefined) {
    if (NOT_RESTORABLE.has(raw.type as string)) return undefined
    throw badTree(`"${raw.name}" has the unknown type ${JSON.stringify(raw.type)}`)
  }
  const path = prefix.length === 0 ? name : Buffer.concat([prefix, name])
  const subtree = type === 'directory' ? parseId(raw.subtree) : null
  return { name, entry: nodeToEntry(raw, type, path), content: parseContentIds(raw.content), subtree }
}

/** Rejects names that could lead out of the directory. */
function nodeName(raw: unknown): Buffer {
  const name = typeof raw === 'string' ? goUnquote(raw) : undefined
  if (!name || name.length === 0 || name.includes(0) || name.includes(SLASH) || isDots(name)) {
    throw badTree(`${JSON.stringify(raw)} is not a name`)
  }
  return name
}

function isDots(name: Buffer): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e))
}

function nodeToEntry(raw: RawNode, type: EntryType, path: Buffer): TreeEntry {
  const isDevice = type === 'chardev' || type === 'blockdev'
  const device = isDevice ? parseBigInt(raw.device) : 0n
  return {
    type,
    path,
    mode: fromGoMode(parseNumber(raw.mode)),
    uid: parseNumber(raw.uid),
    gid: parseNumber(raw.gid),
    size: type === 'file' ? parseNumber(raw.size) : 0,
    mtimeNs: parseTime(raw.mtime),
    ctimeNs: parseTime(raw.ctime),
    device: parseBigInt(raw.device_id),
    inode: parseBigInt(raw.inode),
    links: parseNumber(raw.links) || 1,
    major: isDevice ? readMajor(device) : 0,
    minor: isDevice ? readMinor(device) : 0,
    linkTarget: type === 'symlink' ? parseLinkTarget(raw) : null,
    ...(raw.extended_attributes ? splitFlags(parseXattrs(raw.extended_attributes)) : { xattrs: [] }),
    extents: null,
  }
}

function parseNumber(raw: unknown): number {
  const value = raw === undefined ? 0 : Number(raw)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw badTree(`${JSON.stringify(raw)} is not a number`)
}

function parseBigInt(raw: unknown): bigint {
  if (raw === undefined) return 0n
  if (typeof raw === 'string' && raw.length <= 20) return BigInt.asUintN(64, BigInt(raw))
  return BigInt(parseNumber(raw))
}

function parseTime(raw: unknown): bigint {
  if (raw === undefined) return 0n
  const time = typeof raw === 'string' ? parseGoTime(raw) : undefined
  if (time === undefined) throw badTree(`${JSON.stringify(raw)} is not a time`)
  return time
}

function parseLinkTarget(raw: RawNode): Buffer {
  if (typeof raw.linktarget_raw === 'string') return Buffer.from(raw.linktarget_raw, 'base64')
  return Buffer.from(typeof raw.linktarget === 'string' ? raw.linktarget : '')
}

function parseXattrs(raw: unknown): Xattr[] {
  if (!Array.isArray(raw)) throw badTree('its extended attributes are not a list')
  return raw.map(({ name, value }: { name?: unknown; value?: unknown }) => {
    if (typeof name !== 'string' || name === '') throw badTree('an extended attribute has no name')
    return { name: Buffer.from(name), value: Buffer.from(typeof value === 'string' ? value : '', 'base64') }
  })
}

function parseContentIds(raw: unknown): Buffer[] {
  if (raw === null || raw === undefined) return []
  if (!Array.isArray(raw)) throw badTree('its content is not a list')
  return raw.map(parseId)
}

const ID = /^[\da-f]{64}$/

function parseId(raw: unknown): Buffer {
  if (typeof raw === 'string' && ID.test(raw)) return Buffer.from(raw, 'hex')
  throw badTree(`${JSON.stringify(raw)} is not an id`)
}
