import { closeSync } from 'node:fs'
import { SLASH_BYTES } from '../../lib/byte-paths.ts'
import { holdsEntries, type LiveEntry, listLive, withLiveFolder } from '../../volume/plan/live-folder.ts'
import { type OnStep, PlanTally, type RestorePlan } from '../../volume/plan/plan-tally.ts'
import { type Choice, type Chosen, type ChosenFiles, EVERYTHING } from '../../volume/tree/chosen-paths.ts'
import type { TreeEntry } from '../../volume/tree/entry.ts'
import { type OutputFolder, openOutputFolder } from '../../volume/tree/write-folder.ts'
import type { Node } from '../nodes/node.ts'
import { emptyList, joinNames } from '../read/join-names.ts'
import { readTree, type TreeSource } from '../read/tree-source.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { findChange } from './find-change.ts'

export interface PlanInput {
  source: TreeSource
  volume: VolumeTree
  /** The path of the volume; null if it does not exist. */
  path: string | null
  /** The files to put into the volume. If left out, the whole content of the volume is replaced. */
  chosen?: Chosen & Partial<Pick<ChosenFiles, 'noteFound'>>
  /** How many entries of each kind are listed. */
  names: number
  signal: AbortSignal
  /** Hears of each existing entry that would be deleted or replaced, even by an equal one; in the order of the walk. */
  note?(fate: 'delete' | 'replace', path: Buffer): void
  onStep?: OnStep
}

/** Plans what a restore would create, overwrite and delete, without reading content. Changes nothing. */
export async function planRestore(input: PlanInput): Promise<RestorePlan> {
  const live = input.path === null ? undefined : openOutputFolder(input.path)
  try {
    const planning = new Planning(input)
    const top = {
      tree: input.volume.tree,
      path: Buffer.alloc(0),
      live,
      deletesRest: input.chosen === undefined,
    }
    await planning.folder(top, input.chosen?.of(top.path) ?? 'all')
    return planning.tally.plan
  } finally {
    if (live) closeSync(live.fd)
  }
}

/** A folder to compare. */
interface PlanStep {
  /** null if the snapshot does not have this folder. */
  tree: Buffer | null
  path: Buffer
  live: OutputFolder | undefined
  /** Whether entries that are only in the volume would be deleted. */
  deletesRest: boolean
  /** The folder is left out, and its content is only noted as seen. */
  isRefused?: boolean
}

class Planning {
  readonly tally: PlanTally
  readonly #input: PlanInput
  readonly #chosen: Chosen
  /** The whole volume is replaced: everything that the snapshot does not have would be deleted. */
  readonly #isWhole: boolean

  constructor(input: PlanInput) {
    this.#input = input
    this.#chosen = input.chosen ?? EVERYTHING
    this.#isWhole = input.chosen === undefined
    this.tally = new PlanTally(input)
  }

  async folder(
    { tree, path, live, deletesRest, isRefused = false }: PlanStep,
    choice: Choice,
  ): Promise<void> {
    this.#input.signal.throwIfAborted()
    const nodes = tree ? readTree(this.#input.source, tree, path) : emptyList()
    const there = live ? listLive(live, path.length === 0) : emptyList()
    for await (const [node, entry] of joinNames(nodes, there)) {
      if (node) await this.#node(node, entry, { live, choice, isRefused })
      else if (entry && deletesRest) await this.#addDeleted(entry, path, live)
    }
  }

  /** Also notes chosen entries as seen. */
  #choiceOf({ entry, subtree }: Node, choice: Choice): Choice {
    const inner = choice === 'all' ? 'all' : this.#chosen.of(entry.path)
    if (inner === 'none' || (inner === 'ancestor' && !subtree)) return 'none'
    this.#input.chosen?.noteFound?.(entry.path)
    return inner
  }

  async #node(
    node: Node,
    there: LiveEntry | undefined,
    { live, choice, isRefused }: Pick<PlanStep, 'live' | 'isRefused'> & { choice: Choice },
  ): Promise<void> {
    const { entry, name, subtree } = node
    const { path } = entry
    const inner = this.#choiceOf(node, choice)
    if (inner === 'none') return
    const isFolder = there?.type === 'directory'
    const isBarred = inner === 'ancestor' && there !== undefined && !isFolder
    if (isBarred) this.tally.add('refuse', path, 0)
    if (isBarred || isRefused) return this.#noteSeen(subtree, path, inner)
    // A folder that is not empty is never replaced by a file that is put in place.
    if (!subtree && isFolder && !this.#isWhole && live && (await holdsEntries(live, name)))
      return this.tally.add('refuse', path, 0)
    if (inner === 'all' || !there) this.#compare(entry, there, live)
    if (!subtree && !isFolder) return
    await withLiveFolder(isFolder ? live : undefined, name, (folder) =>
      this.folder({ tree: subtree, path, live: folder, deletesRest: this.#isWhole }, inner),
    )
  }

  async #noteSeen(tree: Buffer | null, path: Buffer, choice: Choice): Promise<void> {
    if (tree) await this.folder({ tree, path, live: undefined, deletesRest: false, isRefused: true }, choice)
  }

  #compare(entry: TreeEntry, there: LiveEntry | undefined, live: OutputFolder | undefined): void {
    if (there && live) this.#input.note?.('replace', entry.path)
    const change = there && live ? findChange(entry, there, live) : 'create'
    if (change === 'none') this.tally.plan.same++
    else this.tally.add(change, entry.path, entry.size)
  }

  async #addDeleted(
    { name, type, stat }: LiveEntry,
    path: Buffer,
    live: OutputFolder | undefined,
  ): Promise<void> {
    const inner = path.length === 0 ? name : Buffer.concat([path, SLASH_BYTES, name])
    this.#input.note?.('delete', inner)
    this.tally.add('delete', inner, type === 'file' ? Number(stat.size) : 0)
    if (type !== 'directory') return
    await withLiveFolder(live, name, (folder) =>
      this.folder({ tree: null, path: inner, live: folder, deletesRest: true }, 'all'),
    )
  }
}
