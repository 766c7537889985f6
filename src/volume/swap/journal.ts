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
 * each child of the volume, `["new", …]` for each that replaces them, then `["sealed"]`: synced before the first
 * rename. `["committed"]` is added, and synced, when everything is in place. Names as lib/byte-paths.ts writes them.
 */
export const JOURNAL = 'journal'

const headerSchema = z.object({
  format: z.literal(1),
  rid: z.string(),
  volume: z.string(),
  /** The pointer's: another journal that was put here does not have it. Absent in journals of older versions. */
  nonce: z.string().optional(),
  /** Of the volume when the journal was written: tells of each child whether it lies on the same device. */
  device: z.string(),
  inode: z.string(),
  before: rootMetadataSchema,
  after: rootMetadataSchema,
  /** How much could not be unpacked exactly. Absent in journals of older versions. */
  unpackFaults: z.number().int().nonnegative().optional(),
  /** Of a copy in place: how many entries were unpacked. */
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
  /** Nothing was moved before it was sealed. */
  sealed: boolean
  committed: boolean
  /** Bytes up to and with the seal. */
  sealedLength: number
}

const SEAL = '["sealed"]'
const MARK = '["committed"]'
/** The header holds what extended attributes a directory can have. */
const LONGEST_LINE = 16 * 1024 * 1024
const FLUSH_BYTES = 64 * 1024

/** Writes header, children and seal; synced, the staging folder too, when it resolves. */
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

/** The one mark that decides: before it a crash goes back, after it forward. */
export async function commitJournal(staging: Folder): Promise<void> {
  const file = await open(staging.at(JOURNAL), constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW)
  try {
    await file.writeFile(`${MARK}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Takes back a mark that may or may not have reached the disk. */
export async function uncommitJournal(staging: Folder, journal: Journal): Promise<void> {
  const file = await open(staging.at(JOURNAL), constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    await file.truncate(journal.sealedLength)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** @throws BAD_INPUT where it is no journal, ENOENT where there is none. */
export async function readJournal(staging: Folder): Promise<Journal> {
  let header: JournalHeader | undefined
  let sealedLength = 0
  let committed = false
  for await (const { text, end } of linesOf(staging)) {
    header ??= parseJson('The journal', text, headerSchema)
    if (text === SEAL) sealedLength = end
    committed ||= sealedLength > 0 && text === MARK
  }
  if (!header) throw new BackupdError('BAD_INPUT', 'The journal is empty')
  return { header, sealed: sealedLength > 0, committed, sealedLength }
}

/** The children of one side, as they were when the journal was sealed. */
export async function* childrenOf(staging: Folder, side: Child['side']): AsyncGenerator<Child> {
  let line = 0
  for await (const { text } of linesOf(staging)) {
    if (text === SEAL) return
    if (line++ > 0 && text.startsWith(`["${side}"`)) yield parseChild(text)
  }
}

function parseChild(text: string): Child {
  const [side, name, device, inode] = parseJson('A line of the journal', text, childSchema)
  const bytes = textToBytes(name)
  if (!isFileName(bytes)) {
    throw new BackupdError('BAD_INPUT', `The journal names "${name}", which is no name of a file`)
  }
  return { side, name: bytes, device: BigInt(device), inode: BigInt(inode) }
}

/** In a volume of its own the journal is within reach of the volume's containers: it must not lead anywhere. */
function isFileName(name: Buffer): boolean {
  const text = name.toString('latin1')
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0')
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Whole lines only, with the number of bytes up to their end: what a crash tore off at the end is none. */
async function* linesOf(staging: Folder): AsyncGenerator<{ text: string; end: number }> {
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
    if (rest.length > LONGEST_LINE) throw new BackupdError('BAD_INPUT', 'The journal has a line without end')
  }
}
