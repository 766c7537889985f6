import type { TreeEntry, TreeItem } from '../../volume/tree/entry.ts'
import type { LinkTable } from '../../volume/tree/link-table.ts'
import { canEnter, type Seen, type SortedFolder, type SortedWalk } from '../../volume/tree/sorted-walk.ts'
import { lastName, type Node } from '../nodes/node.ts'
import { treeBatches } from '../read/tree-source.ts'
import type { Repository } from '../repository/repository.ts'
import { ArchivedLevel } from './archived-level.ts'
import type { Backlog } from './backlog.ts'
import type { Counts } from './counts.ts'
import type { FileReader, Warn } from './file-reader.ts'
import { makeFileNode } from './new-node.ts'
import { ParentFolder } from './parent-folder.ts'
import type { PendingContent } from './pending-content.ts'
import { removeUnsupported } from './remove-unsupported.ts'
import { separateIfReplaced } from './separate-files.ts'
import type { TreeStore } from './tree-blob.ts'
import { type BuiltTree, type NewNode, TreeBuilder } from './tree-builder.ts'
import { Turn } from './turn.ts'
import { isSame, isSettled, isUnchanged, isUntouched, type UnchangedRule } from './unchanged.ts'

export interface VolumeArchiverOptions extends TreeStore {
  repository: Repository
  files: FileReader
  backlog: Backlog
  counts: Counts
  rule: UnchangedRule
  /** All entries of the snapshot with several names. */
  links: LinkTable
  warn: Warn
  /** Called for each entry that is in the snapshot. */
  onKept(entry: TreeEntry, unchanged: boolean): void
}

const CHANGED_UNSEEN =
  'its content differs from the previous snapshot, although its timestamps do not: its current content is stored'

/** Turns a volume into trees. The walk goes on while contents and trees of earlier entries are still being written. */
export class VolumeArchiver {
  readonly #options: VolumeArchiverOptions
  readonly #turn = new Turn()
  #level: ArchivedLevel | undefined

  constructor(options: VolumeArchiverOptions) {
    this.#options = options
  }

  /** The walk calls it for each entry. */
  isKnown(entry: TreeEntry): boolean {
    return this.#level?.isKnown(entry, this.#options.rule) ?? false
  }

  /** The walk calls it for entries that it could not inspect completely. */
  noteFault(path: Buffer): void {
    this.#level?.noteFault(path)
  }

  /** The walk calls it with the last name of the next batch. */
  async reach(name: Buffer): Promise<void> {
    await this.#level?.parent.reach(name)
  }

  /** Resolves with the tree of the whole volume; `before` is its tree in the parent snapshot. */
  async archive(walk: SortedWalk, before: Buffer | null): Promise<BuiltTree> {
    const root = await walk.openRoot()
    const tree = await this.#folder(walk, { folder: root, path: Buffer.alloc(0), before })
    this.#options.files.flush()
    return await tree.finish()
  }

  async #folder(walk: SortedWalk, { folder, path, before }: FolderStep): Promise<TreeBuilder> {
    const { repository, backlog, counts } = this.#options
    const tree = new TreeBuilder(this.#options, backlog, before)
    const batches = before && folder ? treeBatches(repository, before, path) : null
    const parent = new ParentFolder(batches, (node) => {
      counts.gone(node)
      tree.differs()
    })
    if (!folder) {
      tree.differs()
      return tree
    }
    const level = new ArchivedLevel(parent, tree)
    try {
      await this.#archiveBatches(walk, folder, level)
      await parent.passAll()
    } finally {
      folder.close()
      await parent.close()
    }
    return tree
  }

  async #archiveBatches(walk: SortedWalk, folder: SortedFolder, level: ArchivedLevel): Promise<void> {
    for (
      let batch = await this.#next(folder, level);
      batch.length > 0;
      batch = await this.#next(folder, level)
    ) {
      for (const seen of batch) {
        const kept = this.#keep(walk, level, seen)
        if (kept) await kept
      }
      const last = batch.at(-1)
      if (last) level.parent.pass(lastName(last.item.entry.path))
      await this.#roomForMore()
      await this.#turn.pass()
    }
  }

  async #next(folder: SortedFolder, level: ArchivedLevel): Promise<readonly Seen[]> {
    level.forgetBatch()
    this.#level = level
    return await folder.next()
  }

  async #roomForMore(): Promise<void> {
    const full = this.#options.backlog.room()
    if (!full) return
    this.#options.files.flush()
    await full
  }

  /** Returns no promise if nothing has to be waited for, which holds for most entries. */
  #keep(walk: SortedWalk, level: ArchivedLevel, seen: Seen): Promise<void> | undefined {
    const { entry } = seen.item
    const before = level.before.get(entry)
    const unchanged = before !== undefined && level.unchanged.has(entry)
    // An unchanged node is in the parent snapshot, so the format can store it.
    if (!unchanged || entry.mtimeNs !== before.entry.mtimeNs) this.#removeUnsupported(entry)
    level.distrustIfFaulty(entry)
    if (canEnter(seen)) return this.#keepFolder(walk, level, { seen, before, unchanged })
    if (!(before && unchanged) && entry.type === 'file') return this.#keepFile(level, seen, before)
    if (before && unchanged) this.#keepUnchanged(level, entry, before)
    else this.#keepPlain(level, entry, before)
    return undefined
  }

  #removeUnsupported(entry: TreeEntry): void {
    for (const { severity, message } of removeUnsupported(entry)) {
      this.#options.warn(severity, entry.path, message)
      if (severity === 'fault') this.noteFault(entry.path)
    }
  }

  async #keepFolder(
    walk: SortedWalk,
    level: ArchivedLevel,
    { seen, before, unchanged }: SeenFolder,
  ): Promise<void> {
    const { entry } = seen.item
    if (before && unchanged) copyAttributes(entry, before.entry)
    this.#kept(entry, before, unchanged)
    const folder = await walk.open(seen)
    const tree = await this.#folder(walk, { folder, path: entry.path, before: before?.subtree ?? null })
    const stays = before !== undefined && unchanged && isSame(entry, before.entry)
    level.tree.add(
      tree.finish().then(({ id, same }) => ({ entry, content: null, subtree: id, same: same && stays })),
    )
  }

  #keepUnchanged(level: ArchivedLevel, entry: TreeEntry, before: Node): void {
    const { linkTarget } = before.entry
    this.#separate(entry)
    const content = entry.type === 'file' ? before.content : null
    level.tree.add({
      entry: Object.assign(copyAttributes(entry, before.entry), { linkTarget }),
      content,
      subtree: null,
      same: isSame(entry, before.entry),
    })
    this.#kept(entry, before, true)
  }

  #keepFile(level: ArchivedLevel, { item }: Seen, before: Node | undefined): Promise<void> | undefined {
    const { entry } = item
    const { files, rule } = this.#options
    // Checked again, because opening the file updated the entry.
    if (before && level.sameContent.has(entry) && isUnchanged(entry, before, rule))
      return this.#keepContent(level, item, before)
    const pending = files.read(item)
    if (pending instanceof Promise)
      return pending.then((one) => this.#keepPending(level, { entry, before }, one))
    this.#keepPending(level, { entry, before }, pending)
    return undefined
  }

  async #keepContent(level: ArchivedLevel, item: TreeItem, before: Node): Promise<void> {
    const { entry } = item
    this.#separate(entry)
    await readInodeFlags(item)
    level.tree.add({ entry, content: before.content, subtree: null, same: false })
    this.#kept(entry, before, true)
  }

  #keepPending(level: ArchivedLevel, { entry, before }: Changed, pending: PendingContent | undefined): void {
    if (!pending) {
      level.tree.differs()
      return
    }
    this.#separate(entry)
    level.distrustIfFaulty(entry)
    const isFile = before?.entry.type === 'file'
    level.tree.add(this.#nodeOf(entry, pending, isFile ? before : undefined))
    this.#kept(entry, before, false)
  }

  /** `before`: the parent's node, if that is of a file. */
  #nodeOf(entry: TreeEntry, pending: PendingContent, before: Node | undefined): Promise<NewNode | undefined> {
    // A file that was not read exactly gets other timestamps, so they are compared now.
    const untouched = before !== undefined && isUntouched(entry, before)
    return pending.content.then((content) =>
      this.#compareContent(makeFileNode(entry, content), before, untouched),
    )
  }

  #compareContent(
    node: NewNode | undefined,
    before: Node | undefined,
    untouched: boolean,
  ): NewNode | undefined {
    if (!before || !node?.content) return node
    const { entry } = node
    const { counts, rule, warn } = this.#options
    const isSameContent = counts.readAgain(node.content, before, untouched)
    const isUnseen = untouched && !isSameContent && rule.reread && isSettled(entry, rule)
    if (isUnseen) warn('note', entry.path, CHANGED_UNSEEN)
    return node
  }

  /** Stores an entry without content; of a mount point, only an empty directory. */
  #keepPlain(level: ArchivedLevel, entry: TreeEntry, before: Node | undefined): void {
    this.#separate(entry)
    if (entry.type === 'directory') level.tree.add(this.#emptyFolder(entry))
    else level.tree.add({ entry, content: null, subtree: null, same: false })
    this.#kept(entry, before, false)
  }

  async #emptyFolder(entry: TreeEntry): Promise<NewNode> {
    const { id } = await new TreeBuilder(this.#options, this.#options.backlog, null).finish()
    return { entry, content: null, subtree: id, same: false }
  }

  #separate(entry: TreeEntry): void {
    separateIfReplaced(this.#options.links, entry, this.#options.warn)
  }

  #kept(entry: TreeEntry, before: Node | undefined, unchanged: boolean): void {
    this.#options.counts.keep(entry, before, unchanged)
    this.#options.onKept(entry, unchanged)
  }
}

function copyAttributes(entry: TreeEntry, { xattrs, flags }: TreeEntry): TreeEntry {
  return Object.assign(entry, { xattrs }, flags === undefined ? {} : { flags })
}

/** Opens a file only to read its inode flags, if its content is reused. */
async function readInodeFlags({ open }: TreeItem): Promise<void> {
  const file = await open?.().catch(() => undefined)
  await file?.close()
}

interface FolderStep {
  /** Undefined if it cannot be listed. */
  folder: SortedFolder | undefined
  path: Buffer
  before: Buffer | null
}

interface Changed {
  entry: TreeEntry
  before: Node | undefined
}

interface SeenFolder {
  seen: Seen
  before: Node | undefined
  unchanged: boolean
}
