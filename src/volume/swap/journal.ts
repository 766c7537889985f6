import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { bytesToText, textToBytes } from '../../lib/byte-paths.ts'
import { BackupdError } from '../../lib/errors.ts'
import { parseJson } from '../../wire/json.ts'
import type { Folder, Identity } from './folder.ts'
import { rootMetadataSchema } from './root-metadata.ts'

/**
 * The journal of a swap: JSON lines in the staging folder. First the header, then `["old", name, device, inode]` for
 * each child of the volume, `["new", …]` for each new child, then `["sealed"]`; all synced before the first rename.
 * `["committed"]` is appended and synced when everything is in place. Names are in the form of lib/byte-paths.ts.
 */
export const JOURNAL = 'journal'

const headerSchema = z.object({
  format: z.literal(1),
  rid: z.string(),
  volume: z.string(),
  /** The pointer's nonce, which a forged journal does not know. Missing in journals of older versions. */
  nonce: z.string().optional(),
  /** Of the volume when the journal was written; a child with the same number was on the same device. */
  device: z.string(),
  inode: z.string(),
  before: rootMetadataSchema,
  after: rootMetadataSchema,
  /** How many entries could not be unpacked exactly. Missing in journals of older versions. */
  unpackFaults: z.number().int().nonnegative().optional(),
  /** Only for a copy in place: how many entries were unpacked. */
  entries: z.number().int().nonnegative().optional(),
})
export type JournalHeader = z.infer<typeof headerSchema>

const childSchema = z.tuple([
  z.enum(['old', 'new']),
  z.string(),
  z.string().regex(/^\d+$/),
  z.string().regex(/^\d+$/),
])

export interface Child extends Identity {
  side: 'old' | 'new'
  name: Buffer
}

export interface Journal {
  header: JournalHeader
  /** False: the journal is incomplete, so nothing was moved yet. */
  sealed: boolean
  committed: boolean
  /** Bytes up to and including the seal. */
  sealedLength: number
}

const SEAL = '["sealed"]'
const COMMIT_MARK = '["committed"]'
/** The header contains all extended attributes of a directory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const FLUSH_BYTES = 64 * 1024

/** Writes header, children and seal, and syncs the file and the staging folder. */
export async function writeJournal(
  staging: Folder,
  header: JournalHeader,
  children: AsyncIterable<Child>,
): Promise<void> {
  const file = await open(staging.at(JOURNAL), 'wx', 0o600)
  try {
    let pending = `${JSON.stringify(header)}\n`
    for await (const child of children) {
      pending += `${JSON.stringify([child.side, bytesToText(child.name), String(child.device), String(child.inode)])}\n`
      if (pending.length < FLUSH_BYTES) continue
      await file.writeFile(pending)
      pending = ''
    }
    await file.writeFile(`${pending}${SEAL}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await staging.sync()
}

/** Writes the commit mark: after a crash, a swap without it is rolled back, one with it rolled forward. */
export async function commitJournal(staging: Folder): Promise<void> {
  const file = await open(staging.at(JOURNAL), constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW)
  try {
    await file.writeFile(`${COMMIT_MARK}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Removes the commit mark, which may or may not have reached the disk. */
export async function uncommitJournal(staging: Folder, journal: Journal): Promise<void> {
  const file = await open(staging.at(JOURNAL), constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    await file.truncate(journal.sealedLength)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** @throws BAD_INPUT if it is not a journal, ENOENT if it does not exist */
export async function readJournal(staging: Folder): Promise<Journal> {
  let header: JournalHeader | undefined
  let sealedLength = 0
  let committed = false
  for await (const { text, end } of readLines(staging)) {
    header ??= parseJson('The journal', text, headerSchema)
    if (text === SEAL) sealedLength = end
    committed ||= sealedLength > 0 && text === COMMIT_MARK
  }
  if (!header) throw new BackupdError('BAD_INPUT', 'The journal is empty')
  return { header, sealed: sealedLength > 0, committed, sealedLength }
}

/** Reads the children of one side, as they were when the journal was sealed. */
export async function* readChildren(staging: Folder, side: Child['side']): AsyncGenerator<Child> {
  let line = 0
  for await (const { text } of readLines(staging)) {
    if (text === SEAL) return
    if (line++ > 0 && text.startsWith(`["${side}"`)) yield parseChild(text)
  }
}

function parseChild(text: string): Child {
  const [side, name, device, inode] = parseJson('A line of the journal', text, childSchema)
  const bytes = textToBytes(name)
  if (!isFileName(bytes)) {
    throw new BackupdError('BAD_INPUT', `The journal names "${name}", which is not a file name`)
  }
  return { side, name: bytes, device: BigInt(device), inode: BigInt(inode) }
}

/** Containers of the volume can write the journal if it is inside the volume, so its names must not be paths. */
function isFileName(name: Buffer): boolean {
  const text = name.toString('latin1')
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0')
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Reads complete lines, each with the offset of its end. An incomplete last line, from a crash, is skipped. */
async function* readLines(staging: Folder): AsyncGenerator<{ text: string; end: number }> {
  await using file = await open(staging.at(JOURNAL), READ)
  let end = 0
  let rest = Buffer.alloc(0)
  for await (const chunk of file.createReadStream({ autoClose: false, start: 0 })) {
    let from = 0
    const bytes = Buffer.concat([rest, chunk])
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      end += at + 1 - from
      yield { text: bytes.toString('utf8', from, at), end }
      from = at + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > MAX_LINE_BYTES)
      throw new BackupdError('BAD_INPUT', `The journal has a line of more than ${MAX_LINE_BYTES} bytes`)
  }
}
