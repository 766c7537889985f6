import { isUtf8 } from 'node:buffer'
import { makeDevice } from '../../lib/kernel/device-number.ts'
import type { EntryType, TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { withFlags } from './flags-attribute.ts'
import { goJsonString } from './go-json.ts'
import { toGoMode } from './go-mode.ts'
import { goQuote } from './go-quote.ts'
import { formatGoTime } from './go-time.ts'

/** One thing in a tree blob. */
export interface Node {
  name: Buffer
  /** Its `path` is the folder the tree was read for, and the name. */
  entry: TreeEntry
  /** The ids of a file's pieces, in order; empty for all else. */
  content: Buffer[]
  /** The id of a directory's tree. */
  subtree: Buffer | null
}

export interface NodeFacts {
  /** For files; else null. */
  content: readonly Buffer[] | null
  /** For directories; else null. */
  subtree: Buffer | null
}

/** What restic calls the types. */
export const NODE_TYPES: Record<EntryType, string> = {
  file: 'file',
  directory: 'dir',
  symlink: 'symlink',
  fifo: 'fifo',
  chardev: 'chardev',
  blockdev: 'dev',
}

const SLASH = 0x2f
/** So many ids at a time become text: a file can have millions. */
const TOGETHER = 1024

/** The last name of a path. */
export function nameOf(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(SLASH) + 1)
}

/** An entry as one node of a tree: JSON with the fields and in the order of restic 0.14, times in UTC. */
export function encodeNode(entry: TreeEntry, facts: NodeFacts): Buffer {
  return Buffer.from(nodeJson(entry, facts))
}

/** The same as text; its name is the last of the entry's path. */
export function nodeJson(entry: TreeEntry, { content, subtree }: NodeFacts): string {
  const mtime = formatGoTime(entry.mtimeNs)
  const ctime = formatGoTime(entry.ctimeNs)
  const mode = toGoMode(entry.type, entry.mode)
  let json = `{"name":${goJsonString(goQuote(nameOf(entry.path)))},"type":"${NODE_TYPES[entry.type]}"`
  if (mode !== 0) json += `,"mode":${mode}`
  json += `,"mtime":"${mtime}","atime":"${mtime}","ctime":"${ctime}","uid":${entry.uid},"gid":${entry.gid}`
  if (entry.inode !== 0n) json += `,"inode":${entry.inode}`
  if (entry.device !== 0n) json += `,"device_id":${entry.device}`
  if (entry.size !== 0) json += `,"size":${entry.size}`
  // restic has it of files, symlinks and devices; a fifo can have several names too.
  if (entry.type !== 'directory' && entry.links !== 0) json += `,"links":${entry.links}`
  if (entry.linkTarget) json += linkTargetJson(entry.linkTarget)
  const xattrs = withFlags(entry)
  if (xattrs.length > 0) json += xattrsJson(xattrs)
  if (entry.major !== 0 || entry.minor !== 0) json += `,"device":${makeDevice(entry.major, entry.minor)}`
  json += `,"content":${content ? contentJson(content) : 'null'}`
  return subtree ? `${json},"subtree":"${subtree.toString('hex')}"}` : `${json}}`
}

/** `linktarget_raw` came with restic 0.16, for targets that are no text; older ones pass over it. */
function linkTargetJson(target: Buffer): string {
  const json = `,"linktarget":${goJsonString(target.toString('utf8'))}`
  if (isUtf8(target)) return json
  return `${json.replaceAll('\ufffd', '\\ufffd')},"linktarget_raw":"${target.toString('base64')}"`
}

function xattrsJson(xattrs: readonly Xattr[]): string {
  const one = ({ name, value }: Xattr) =>
    `{"name":${goJsonString(name.toString('utf8'))},"value":"${value.toString('base64')}"}`
  return `,"extended_attributes":[${xattrs.map(one).join(',')}]`
}

function contentJson(ids: readonly Buffer[]): string {
  const parts: string[] = []
  for (let at = 0; at < ids.length; at += TOGETHER) {
    const some = ids.slice(at, at + TOGETHER).map((id) => `"${id.toString('hex')}"`)
    parts.push(some.join(','))
  }
  return `[${parts.join(',')}]`
}
