// The JSON of restic's trees and snapshots, byte for byte as restic 0.14 writes it, so that equal directories have
// equal ids. node.ts and tree-encoder.ts write nodes; parse-node.ts and read-nodes.ts read them, whatever their size;
// snapshot-file.ts does both for snapshots. The go-*.ts files imitate Go's standard library. restic/write, read,
// restore, prune and check use this folder. It knows no repository: trees come and go as bytes.

import { isUtf8 } from 'node:buffer'
import { SLASH } from '../../lib/byte-paths.ts'
import { makeDevice } from '../../lib/kernel/device-number.ts'
import type { EntryType, TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { joinFlags } from './flags-attribute.ts'
import { goJsonString } from './go-json.ts'
import { toGoMode } from './go-mode.ts'
import { goQuote } from './go-quote.ts'
import { formatGoTime } from './go-time.ts'

/** One entry of a directory, decoded from a tree blob. */
export interface Node {
  name: Buffer
  /** Its `path` consists of the folder for which the tree was read, and the name. */
  entry: TreeEntry
  /** The ids of a file's chunks, in order; empty for other types. */
  content: Buffer[]
  /** The id of a directory's tree. */
  subtree: Buffer | null
}

export interface NodeFacts {
  /** Null unless it is a file. */
  content: readonly Buffer[] | null
  /** Null unless it is a directory. */
  subtree: Buffer | null
}

/** restic's names of the types. */
export const NODE_TYPES: Record<EntryType, string> = {
  file: 'file',
  directory: 'dir',
  symlink: 'symlink',
  fifo: 'fifo',
  chardev: 'chardev',
  blockdev: 'dev',
}

/** Ids are encoded in batches, because a file can have millions. */
const IDS_PER_BATCH = 1024

/** The last component of a path. */
export function lastName(path: Buffer): Buffer {
  return path.subarray(path.lastIndexOf(SLASH) + 1)
}

/**
 * Encodes an entry as one node of a tree: JSON with restic 0.14's fields in its order, times in UTC. The node's name is
 * the last component of the entry's path.
 */
export function nodeJson(entry: TreeEntry, { content, subtree }: NodeFacts): string {
  const mtime = formatGoTime(entry.mtimeNs)
  const ctime = formatGoTime(entry.ctimeNs)
  const mode = toGoMode(entry.type, entry.mode)
  let json = `{"name":${goJsonString(goQuote(lastName(entry.path)))},"type":"${NODE_TYPES[entry.type]}"`
  if (mode !== 0) json += `,"mode":${mode}`
  json += `,"mtime":"${mtime}","atime":"${mtime}","ctime":"${ctime}","uid":${entry.uid},"gid":${entry.gid}`
  if (entry.inode !== 0n) json += `,"inode":${entry.inode}`
  if (entry.device !== 0n) json += `,"device_id":${entry.device}`
  if (entry.size !== 0) json += `,"size":${entry.size}`
  // restic stores it for files, symlinks and devices; but a fifo can have several names too.
  if (entry.type !== 'directory' && entry.links !== 0) json += `,"links":${entry.links}`
  if (entry.linkTarget) json += linkTargetJson(entry.linkTarget)
  const xattrs = joinFlags(entry)
  if (xattrs.length > 0) json += xattrsJson(xattrs)
  if (entry.major !== 0 || entry.minor !== 0) json += `,"device":${makeDevice(entry.major, entry.minor)}`
  json += `,"content":${content ? contentJson(content) : 'null'}`
  return subtree ? `${json},"subtree":"${subtree.toString('hex')}"}` : `${json}}`
}

/** restic 0.16 introduced `linktarget_raw` for targets that are not UTF-8; older versions ignore it. */
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
  for (let at = 0; at < ids.length; at += IDS_PER_BATCH) {
    const some = ids.slice(at, at + IDS_PER_BATCH).map((id) => `"${id.toString('hex')}"`)
    parts.push(some.join(','))
  }
  return `[${parts.join(',')}]`
}
