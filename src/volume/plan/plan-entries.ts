import { closeSync } from 'node:fs'
import { SLASH } from '../../lib/byte-paths.ts'
import { type Choice, type ChosenFiles, EVERYTHING } from '../tree/chosen-paths.ts'
import type { EntryType } from '../tree/entry.ts'
import { joinPath } from '../tree/join-path.ts'
import { type OutputFolder, openOutputFolder } from '../tree/write-folder.ts'
import { holdsEntries, type LiveEntry, listLive, withLiveFolder } from './live-folder.ts'
import { CHANGED, FOLDER, ONLY_METADATA, type PathFacts, PathTable, REFUSED, SEEN } from './path-table.ts'
import { type OnStep, PlanTally, type RestorePlan } from './plan-tally.ts'
import { readLink } from './read-link.ts'

/** An entry of a backup, as far as a plan compares it. */
export interface ComparedEntry {
  type: EntryType | 'hardlink'
  /** Relative to the volume; empty for the volume itself. */
  path: Buffer
  mode: number
  uid: number
  gid: number
  size: number
  mtimeNs: bigint
  linkTarget: Buffer | null
}

export interface EntriesPlanInput {
  /** All entries of the backup, in any order; read twice. */
  entries(): AsyncIterable<ComparedEntry>
  /** The path of the volume; null if it does not exist. */
  path: string | null
  /** The files to put into the volume; null if its whole content is replaced. */
  chosen: ChosenFiles | null
  /** How many entries of each kind are listed. */
  names: number
  signal: AbortSignal
  /** Hears of each existing path that would be deleted or replaced, even by an equal one; in the order of the walk. */
  note?(fate: 'delete' | 'replace', path: Buffer): void
  onStep?: OnStep
}

/**
 * Plans what a restore would create, overwrite and delete, without reading content; for a backup whose entries are
 * in any order. Extended attributes are not compared. Changes nothing.
 */
export async function planEntries(input: EntriesPlanInput): Promise<RestorePlan> {
  const planning = new Planning(input)
  await planning.readBackup()
  const live = input.path === null ? undefined : openOutputFolder(input.path)
  try {
    if (live)
      await planning.compareFolder(live, Buffer.alloc(0), planning.choiceOf(Buffer.alloc(0), 'ancestor'))
  } finally {
    if (live) closeSync(live.fd)
  }
  await planning.listWritten()
  return planning.tally.plan
}

class Planning {
  readonly tally: PlanTally
  readonly #input: EntriesPlanInput
  readonly #table = new PathTable()
  /** Entries of the volume that are in the way of chosen entries below them. */
  readonly #barriers: Buffer[] = []

  constructor(input: EntriesPlanInput) {
    this.#input = input
    this.tally = new PlanTally(input)
  }

  choiceOf(path: Buffer, above: Choice): Choice {
    return above === 'all' ? 'all' : (this.#input.chosen ?? EVERYTHING).of(path)
  }

  async readBackup(): Promise<void> {
    for await (const entry of this.#wanted()) {
      this.#input.chosen?.noteFound(entry.path)
      this.#addParents(entry.path)
      this.#table.set(entry.path, describeEntry(entry), entry.type === 'directory' ? FOLDER : 0)
    }
  }

  /** Foreign archives need not list the folders of their files. */
  #addParents(path: Buffer): void {
    const end = path.lastIndexOf(SLASH)
    if (end < 0) return
    const parent = path.subarray(0, end)
    if (this.#table.marksOf(parent) !== undefined) return
    this.#table.set(parent, IMPLIED, FOLDER)
    this.#addParents(parent)
  }

  async compareFolder(live: OutputFolder, path: Buffer, choice: Choice): Promise<void> {
    this.#input.signal.throwIfAborted()
    for (const there of listLive(live, path.length === 0)) {
      const inner = joinPath(path, there.name)
      const innerChoice = this.choiceOf(inner, choice)
      if (innerChoice === 'none' || !(await this.#compare(there, inner, { live, choice: innerChoice })))
        continue
      await withLiveFolder(live, there.name, async (folder) => {
        if (folder) await this.compareFolder(folder, inner, innerChoice)
      })
    }
  }

  /** Returns whether the entry is a folder to look into. */
  async #compare(
    there: LiveEntry,
    path: Buffer,
    { live, choice }: { live: OutputFolder; choice: Choice },
  ): Promise<boolean> {
    const isFolder = there.type === 'directory'
    const marks = this.#table.marksOf(path)
    if (marks === undefined) {
      if (this.#input.chosen === null) this.#addDeleted(there, path)
      return isFolder
    }
    this.#table.mark(path, SEEN)
    if (choice === 'ancestor') {
      if (!isFolder) this.#bar(path)
      return isFolder
    }
    const isInTheWay = isFolder && !(marks & FOLDER) && this.#input.chosen !== null
    if (isInTheWay && (await holdsEntries(live, there.name))) {
      this.#table.mark(path, REFUSED)
      this.tally.add('refuse', path, 0)
      return false
    }
    this.#input.note?.('replace', path)
    const facts = listLiveFacts(there, live)
    if (facts.some((one) => this.#table.hasFacts(path, one))) this.tally.plan.same++
    else
      this.#table.mark(path, facts.some((one) => this.#table.hasContent(path, one)) ? ONLY_METADATA : CHANGED)
    return isFolder
  }

  #addDeleted({ type, stat }: LiveEntry, path: Buffer): void {
    this.#input.note?.('delete', path)
    this.tally.add('delete', path, type === 'file' ? Number(stat.size) : 0)
  }

  #bar(path: Buffer): void {
    this.#barriers.push(path)
    this.tally.add('refuse', path, 0)
  }

  /** Lists what would be created and overwritten: only the backup knows the sizes. */
  async listWritten(): Promise<void> {
    for await (const { path, type, size } of this.#wanted()) {
      const marks = this.#table.marksOf(path) ?? 0
      if (marks & REFUSED || this.#barriers.some((barrier) => isBelow(path, barrier))) continue
      const bytes = type === 'file' ? size : 0
      if (marks & CHANGED) this.tally.add('overwrite', path, bytes)
      else if (marks & ONLY_METADATA) this.tally.add('metadata', path, bytes)
      else if (!(marks & SEEN)) this.tally.add('create', path, bytes)
    }
  }

  /** The entries that would be restored, without the volume itself. Folders above chosen entries are among them. */
  async *#wanted(): AsyncGenerator<ComparedEntry> {
    for await (const entry of this.#input.entries()) {
      this.#input.signal.throwIfAborted()
      if (entry.path.length === 0) continue
      const choice = this.choiceOf(entry.path, 'ancestor')
      if (choice === 'none' || (choice === 'ancestor' && entry.type !== 'directory')) continue
      yield entry
    }
  }
}

function isBelow(path: Buffer, folder: Buffer): boolean {
  return path[folder.length] === SLASH && path.subarray(0, folder.length).equals(folder)
}

/** Of a folder that a foreign archive does not list. */
const IMPLIED: PathFacts = { content: 'directory', metadata: '' }

/** Of a hard link, only what all formats say: some have no size for it. The time of a folder changes with its names. */
function describeEntry({ type, mode, uid, gid, size, mtimeNs, linkTarget }: ComparedEntry): PathFacts {
  const metadata = `${mode} ${uid} ${gid}`
  if (type === 'symlink')
    return { content: `symlink ${linkTarget?.toString('latin1')}`, metadata: `${uid} ${gid} ${mtimeNs}` }
  if (type === 'directory') return { content: type, metadata }
  return { content: type === 'file' ? `${type} ${mtimeNs} ${size}` : `${type} ${mtimeNs}`, metadata }
}

/** The facts that the backup's entry may have if it is the same. None if it cannot be read, or is gone meanwhile. */
function listLiveFacts({ name, type, stat }: LiveEntry, folder: OutputFolder): PathFacts[] {
  if (!type) return []
  const { uid, gid, mtimeNs } = stat
  const entry = { path: name, mode: Number(stat.mode) & 0o7777, uid: Number(uid), gid: Number(gid), mtimeNs }
  const size = Number(stat.size)
  const linkTarget = type === 'symlink' ? readLink(folder.at(name)) : null
  const own = describeEntry({ ...entry, type, size, linkTarget })
  if (type === 'directory') return [own, IMPLIED]
  return type === 'file' ? [own, describeEntry({ ...entry, type: 'hardlink', size, linkTarget })] : [own]
}
