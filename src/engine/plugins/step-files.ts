// The steps of plans, one folder a plan under <data>/plan-steps: a file of lines for each kind of step. The plan of a
// recover writes them, plan_steps reads them in pages.

import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder } from '../../lib/atomic-file.ts'
import { bytesToText } from '../../lib/byte-paths.ts'
import { MIN_FREE_BYTES } from '../../lib/data-room.ts'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { tolerate } from '../../lib/tolerate.ts'
import { bigCount } from '../../wire/fields.ts'
import { parseShape } from '../../wire/json.ts'
import {
  type KeptStep,
  STEP_KINDS,
  type StepKind,
  type StepPage,
  stepPlaceSchema,
} from '../../wire/planned-step.ts'

/** How many plans a daemon keeps the steps of; the oldest go first, also if all take more than this. */
const MAX_KEPT_PLANS = 100
const MAX_KEPT_BYTES = 1 << 30
/** Of one kind of steps in one plan, so that those of one kind leave room for the others: some 700,000 steps. */
const MAX_BYTES_OF_KIND = 64 << 20
/** Writing ends while there is still room for everything else that a daemon notes. */
const MIN_LEFT_BYTES = 2 * MIN_FREE_BYTES
const FLUSH_LENGTH = 1 << 20
/** A page ends after this, even if it has fewer steps than were asked for. */
const MAX_BYTES_OF_PAGE = 1 << 20
const CHUNK_BYTES = 64 * 1024
/** After this, an unfinished folder is that of a run that was killed, ms. */
const MAX_UNFINISHED_MS = 24 * 3600 * 1000
const UNFINISHED = '.part'
const NEWLINE = 0x0a

const stepLineSchema = z.tuple([z.string(), bigCount])

export interface StepWriterOptions {
  dataDir: string
  /** Of the run that makes the plan. */
  rid: string
}

/** Writes the steps of one plan. A plan is worth more than its steps, so what goes wrong only ends the writing. */
export class StepWriter {
  readonly #parent: string
  readonly #folder: string
  readonly #files = new Map<StepKind, number>()
  readonly #pending = new Map<StepKind, string[]>()
  #pendingLength = 0
  readonly #bytes = new Map<StepKind, number>()
  /** Kinds that have reached their limit: their further steps are not written. */
  readonly #full = new Set<StepKind>()
  #problem: string | undefined

  constructor({ dataDir, rid }: StepWriterOptions) {
    this.#parent = join(dataDir, 'plan-steps')
    this.#folder = join(this.#parent, rid)
    this.#attempt(() => mkdirSync(this.#unfinished, { recursive: true, mode: 0o700 }))
  }

  get #unfinished(): string {
    return `${this.#folder}${UNFINISHED}`
  }

  add(kind: StepKind, path: Buffer, bytes: number): void {
    if (this.#problem !== undefined || this.#full.has(kind)) return
    const line = `${JSON.stringify([bytesToText(path), bytes])}\n`
    const lines = this.#pending.get(kind) ?? []
    lines.push(line)
    this.#pending.set(kind, lines)
    this.#pendingLength += line.length
    if (this.#pendingLength >= FLUSH_LENGTH) this.#attempt(() => this.#flush())
  }

  #attempt(act: () => void): void {
    try {
      if (this.#problem === undefined) act()
    } catch (error) {
      this.#problem = messageOf(error)
    }
  }

  #flush(): void {
    const { bavail, bsize } = statfsSync(this.#parent)
    if (bavail * bsize < MIN_LEFT_BYTES) throw new Error('the data directory has too little room for them')
    for (const [kind, lines] of this.#pending) {
      const content = Buffer.from(lines.join(''))
      for (let done = 0; done < content.length; ) done += writeSync(this.#open(kind), content, done)
      const bytes = (this.#bytes.get(kind) ?? 0) + content.length
      this.#bytes.set(kind, bytes)
      if (bytes > MAX_BYTES_OF_KIND) this.#full.add(kind)
    }
    this.#pending.clear()
    this.#pendingLength = 0
  }

  #open(kind: StepKind): number {
    const known = this.#files.get(kind)
    if (known !== undefined) return known
    const made = openSync(join(this.#unfinished, kind), 'w', 0o600)
    this.#files.set(kind, made)
    return made
  }

  /** Makes what was written readable, and removes the steps of the oldest plans. @returns why steps were left out */
  async finish(): Promise<string | undefined> {
    this.#attempt(() => this.#flush())
    try {
      for (const fd of this.#files.values()) fsyncSync(fd)
      await rename(this.#unfinished, this.#folder)
      await syncFolder(this.#parent)
      await forgetOldSteps(this.#parent)
    } catch (error) {
      this.#problem ??= messageOf(error)
    }
    if (this.#problem !== undefined || this.#full.size === 0) return this.#problem
    return `there are too many of the kinds ${[...this.#full].join(', ')}`
  }

  [Symbol.dispose](): void {
    for (const fd of this.#files.values()) closeSync(fd)
    rmSync(this.#unfinished, { recursive: true, force: true })
  }
}

interface KeptSteps {
  folder: string
  modifiedMs: number
  bytes: number
}

async function forgetOldSteps(parent: string): Promise<void> {
  const kept: KeptSteps[] = []
  for (const name of await readdir(parent)) {
    const found = await tolerate(['ENOENT'], () => measureSteps(join(parent, name)))
    if (found) kept.push(found)
  }
  kept.sort((one, other) => other.modifiedMs - one.modifiedMs)
  const newest = kept[0]?.modifiedMs ?? 0
  const room = { plans: MAX_KEPT_PLANS, bytes: MAX_KEPT_BYTES }
  for (const { folder, modifiedMs, bytes } of kept) {
    if (folder.endsWith(UNFINISHED)) {
      if (modifiedMs < newest - MAX_UNFINISHED_MS) await rm(folder, { recursive: true, force: true })
      continue
    }
    room.plans--
    room.bytes -= bytes
    const isNewest = room.plans === MAX_KEPT_PLANS - 1
    if (!isNewest && (room.plans < 0 || room.bytes < 0)) await rm(folder, { recursive: true, force: true })
  }
}

async function measureSteps(folder: string): Promise<KeptSteps> {
  const { mtimeMs: modifiedMs } = await stat(folder)
  let bytes = 0
  for (const kind of await readdir(folder)) bytes += (await stat(join(folder, kind))).size
  return { folder, modifiedMs, bytes }
}

export interface StepsQuestion {
  rid: string
  /** Only these. */
  kind?: StepKind | undefined
  limit: number
  /** Where the page before ended; empty for the first page. */
  after: string
}

/** A place between two lines. */
interface StepPlace {
  kind: StepKind
  offset: number
}

/** The steps of a plan, what would be lost first. Throws NOT_FOUND if they are not kept, BAD_INPUT for a strange `after`. */
export async function readSteps(
  dataDir: string,
  { rid, kind, limit, after }: StepsQuestion,
): Promise<StepPage> {
  const folder = join(dataDir, 'plan-steps', rid)
  const isKept = await tolerate(['ENOENT'], () => stat(folder))
  if (!isKept)
    throw new BackupdError(
      'NOT_FOUND',
      `The steps of the plan ${rid} are not kept: a daemon keeps those of its last ${MAX_KEPT_PLANS} plans. Make the plan again`,
    )
  const kinds = kind === undefined ? STEP_KINDS : [kind]
  const from: StepPlace = after === '' ? { kind: kinds[0] ?? 'delete', offset: 0 } : parseStepPlace(after)
  const page: StepPage & { setAside: string[] } = { steps: [], next: null, setAside: [] }
  let place = after
  let bytes = 0
  for (const each of kinds.slice(Math.max(0, kinds.indexOf(from.kind)))) {
    const offset = each === from.kind ? from.offset : 0
    for await (const { line, end } of readLines(join(folder, each), offset)) {
      if (page.steps.length === limit || bytes > MAX_BYTES_OF_PAGE) return { ...page, next: place }
      place = `${each}.${end}`
      const step = parseLine(line, { kind: each, place })
      if (step) page.steps.push(step)
      else page.setAside.push(`a line of the steps of the kind "${each}" is damaged`)
      bytes += line.length
    }
  }
  return page
}

function parseStepPlace(after: string): StepPlace {
  const [kind, offset] = after.split('.')
  return parseShape('The field "after"', { kind, offset }, stepPlaceSchema)
}

/** undefined if the line is damaged. */
function parseLine(line: Buffer, where: Pick<KeptStep, 'kind' | 'place'>): KeptStep | undefined {
  try {
    const [path, bytes] = stepLineSchema.parse(JSON.parse(line.toString()))
    return { ...where, path, bytes }
  } catch {
    return undefined
  }
}

/** The whole lines of a file from an offset, each with where it ends; none if there is no file. */
async function* readLines(file: string, offset: number): AsyncGenerator<{ line: Buffer; end: number }> {
  const opened = await tolerate(['ENOENT'], () => open(file))
  if (!opened) return
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    if (offset > 0) {
      const { bytesRead } = await opened.read(chunk, 0, 1, offset - 1)
      if (bytesRead === 0 || chunk[0] !== NEWLINE)
        throw new BackupdError(
          'BAD_INPUT',
          'The field "after" is not where a page ended: use `next` of a page',
        )
    }
    let rest: Buffer = Buffer.alloc(0)
    for (let position = offset; ; ) {
      const { bytesRead } = await opened.read(chunk, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) return
      const begun = position - rest.length
      position += bytesRead
      const content = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
      let start = 0
      for (let end = content.indexOf(NEWLINE); end >= 0; end = content.indexOf(NEWLINE, start)) {
        yield { line: content.subarray(start, end), end: begun + end + 1 }
        start = end + 1
      }
      rest = content.subarray(start)
    }
  } finally {
    await opened.close()
  }
}
