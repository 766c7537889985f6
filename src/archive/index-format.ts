import { z } from 'zod'
import { isoTimeOfNs } from '../lib/clock.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { ObjectReader } from '../objects/driver.ts'
import { type FileInfo, fileInfoSchema } from '../wire/backup.ts'
import { gunzipLines } from './gunzip-lines.ts'

/**
 * The index of an archive: gzipped lines of JSON, written together with the archive. One header line, an entry line for
 * each entry in the archive's order, members lines in between, and one end line, without which the index is incomplete.
 * Offsets and lengths are bytes of the tar stream (gunzipped); paths are in the text form of lib/byte-paths.ts.
 */
export type IndexLine = IndexHeader | IndexEntry | IndexMembers | IndexEnd

const countSchema = z.number().int().nonnegative()

const headerSchema = z.object({
  kind: z.literal('header'),
  format: z.literal(1),
  /** The one directory at the top of the archive. */
  topName: z.string(),
})
export type IndexHeader = z.infer<typeof headerSchema>

/** `sha256` is of the whole content; also null for a sparse file with more than 1 GiB of holes. */
const entrySchema = fileInfoSchema.omit({ modified: true }).extend({
  kind: z.literal('entry'),
  /** Nanoseconds since 1970, decimal. */
  mtimeNs: z.string().regex(/^-?\d+$/),
  /** The offset of its first header, which may be a pax header. */
  offset: countSchema,
  /** The length up to the next entry: headers, content, padding. A multiple of 512. */
  length: countSchema,
  /** The `offset` of the entry that has the content of a hard link; null for other types. */
  dataEntry: countSchema.nullable(),
  /** Of a directory: this line has all that the archive has of it. Earlier versions did not write this. */
  exact: z.literal(true).optional(),
})
export type IndexEntry = z.infer<typeof entrySchema>

const membersSchema = z.object({
  kind: z.literal('members'),
  /** The gzip members in order: their bytes in the archive, and in the tar stream. */
  sizes: z.array(z.tuple([countSchema, countSchema])),
})
export type IndexMembers = z.infer<typeof membersSchema>

const endSchema = z.object({
  kind: z.literal('end'),
  entries: countSchema,
  members: countSchema,
  tarBytes: countSchema,
})
export type IndexEnd = z.infer<typeof endSchema>

const lineSchema = z.discriminatedUnion('kind', [headerSchema, entrySchema, membersSchema, endSchema])

/** Converts an entry to the shape that file lists show. */
export function toArchiveFileInfo(entry: IndexEntry): FileInfo {
  const { path, type, size, mode, uid, gid, linkTarget, sha256 } = entry
  const modified = isoTimeOfNs(BigInt(entry.mtimeNs))
  return { path, type, size, mode, uid, gid, modified, linkTarget, sha256 }
}

/** Streams an index. Throws ARCHIVE_CORRUPT if it is damaged or incomplete, at the latest at its end. */
export async function* readIndex(reader: ObjectReader): AsyncGenerator<IndexLine> {
  const seen = { lines: 0, entries: 0, members: 0, ended: false }
  for await (const text of gunzipLines(reader)) {
    const line = parseLine(text)
    if (seen.ended || (seen.lines === 0) !== (line.kind === 'header'))
      throw corrupt('its lines are out of order')
    seen.lines++
    if (line.kind === 'entry') seen.entries++
    if (line.kind === 'members') seen.members += line.sizes.length
    if (line.kind === 'end') seen.ended = checkEnd(line, seen)
    yield line
  }
  if (!seen.ended) throw corrupt('its end is missing')
}

function checkEnd(end: IndexEnd, seen: { entries: number; members: number }): true {
  if (end.entries !== seen.entries || end.members !== seen.members) throw corrupt('lines are missing')
  return true
}

function parseLine(text: string): IndexLine {
  try {
    return lineSchema.parse(JSON.parse(text))
  } catch (error) {
    throw corrupt('it has a line of an unknown form', error)
  }
}

function corrupt(what: string, cause?: unknown): BackupdError {
  const why = cause === undefined ? '' : ` (${messageOf(cause).slice(0, 200)})`
  return new BackupdError('ARCHIVE_CORRUPT', `The index of the archive is damaged: ${what}${why}`, { cause })
}
