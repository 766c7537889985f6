import { closeSync } from 'node:fs'
import { type Choice, type Chosen, EVERYTHING } from '../../tree/chosen-paths.ts'
import type { TreeEntry } from '../../tree/entry.ts'
import { type Folder, openFolder } from '../../tree/write-folder.ts'
import type { Node } from '../nodes/node.ts'
import { joinNames, nothing } from '../read/join-names.ts'
import { readTree, type TreeSource } from '../read/tree-source.ts'
import type { VolumeTree } from '../read/volume-tree.ts'
import { type LiveEntry, liveEntries, withLive } from './live-folder.ts'
import { PlanTally, type RestorePlan } from './plan-tally.ts'

export interface PlanInput {
  source: TreeSource
  volume: VolumeTree
  /** The volume as it is now; null where it is not there. */
  path: string | null
  /** What is chosen is put into the volume. Left out, the content of the volume is replaced as a whole. */
  chosen?: Chosen
  /** How many paths of each kind are named. */
  names: number
  signal: AbortSignal
}

/** What a restore would create, overwrite and delete, without reading any content. Changes nothing. */
export async function planRestore(input: PlanInput): Promise<RestorePlan> {
  const live = input.path === null ? undefined : openFolder(input.path)
  try {
    const planning = new Planning(input)
    const top = { tree: input.volume.tree, path: Buffer.alloc(0), live, goes: input.chosen === undefined }
    await planning.folder(top, input.chosen?.of(top.path) ?? 'all')
    return planning.tally.plan
  } finally {
    if (live) closeSync(live.fd)
  }
}

interface Place {
  /** Null where the snapshot has nothing there. */
  tree: Buffer | null
  path: Buffer
  live: Folder | undefined
  /** What is only in the volume goes. */
  goes: boolean
}

const SLASH = Buffer.from('/')

class Planning {
  readonly tally: PlanTally
  private readonly input: PlanInput
  private readonly chosen: Chosen
  /** Everything that the snapshot does not have goes. */
  private readonly isWhole: boolean

  constructor(input: PlanInput) {
    this.input = input
    this.chosen = input.chosen ?? EVERYTHING
    this.isWhole = input.chosen === undefined
    this.tally = new PlanTally(input.names)
  }

  async folder({ tree, path, live, goes }: Place, choice: Choice): Promise<void> {
    this.input.signal.throwIfAborted()
    const nodes = tree ? readTree(this.input.source, tree, path) : nothing()
    const there = live ? liveEntries(live, path.length === 0) : nothing()
    for await (const [node, entry] of joinNames(nodes, there)) {
      if (node) await this.node(node, entry, { live, choice })
      else if (entry && goes) await this.gone(entry, path, live)
    }
  }

  private async node(
    { entry, name, subtree }: Node,
    there: LiveEntry | undefined,
    { live, choice }: { live: Folder | undefined; choice: Choice },
  ): Promise<void> {
    const { path } = entry
    const inner = choice === 'all' ? 'all' : this.chosen.of(path)
    if (inner === 'none' || (inner === 'way' && !subtree)) return
    const isFolder = there?.type === 'directory'
    if (inner === 'way' && there && !isFolder) return this.tally.add('refuse', path, 0)
    if (!subtree && isFolder && !this.isWhole && (await holdsSomething(live, name)))
      return this.tally.add('refuse', path, 0)
    if (inner === 'all' || !there) this.judge(entry, there)
    if (!subtree && !isFolder) return
    await withLive(isFolder ? live : undefined, name, (folder) =>
      this.folder({ tree: subtree, path, live: folder, goes: this.isWhole }, inner),
    )
  }

  private judge(entry: TreeEntry, there: LiveEntry | undefined): void {
    if (!there) this.tally.add('create', entry.path, entry.size)
    else if (isSame(entry, there)) this.tally.plan.same++
    else this.tally.add('overwrite', entry.path, entry.size)
  }

  private async gone({ name, type, stat }: LiveEntry, path: Buffer, live: Folder | undefined): Promise<void> {
    const inner = path.length === 0 ? name : Buffer.concat([path, SLASH, name])
    this.tally.add('delete', inner, type === 'file' ? Number(stat.size) : 0)
    if (type !== 'directory') return
    await withLive(live, name, (folder) =>
      this.folder({ tree: null, path: inner, live: folder, goes: true }, 'all'),
    )
  }
}

/** Such a folder gives way to no file that is put in place. */
async function holdsSomething(live: Folder | undefined, name: Buffer): Promise<boolean> {
  let holds = false
  await withLive(live, name, async (folder) => {
    if (folder) for (const _entry of liveEntries(folder, false)) holds = true
  })
  return holds
}

/** As far as can be told without reading content. A folder's time changes with the names in it: that is not told. */
function isSame(entry: TreeEntry, { type, stat }: LiveEntry): boolean {
  const { uid, gid, mode } = entry
  if (type !== entry.type || BigInt(uid) !== stat.uid || BigInt(gid) !== stat.gid) return false
  if (type !== 'symlink' && mode !== (Number(stat.mode) & 0o7777)) return false
  if (type === 'file' && BigInt(entry.size) !== stat.size) return false
  return type === 'directory' || entry.mtimeNs === stat.mtimeNs
}
