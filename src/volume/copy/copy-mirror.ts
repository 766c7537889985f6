// copy/ copies a directory tree: a legacy mirror into a staging folder, or a staging folder into the volume if the
// file system refuses renames (swap/copy-in-place.ts). The store's mirrors and volume/swap use it. It reads and writes
// with volume/tree, and knows no store.

import { BackupdError, messageOf } from '../../lib/errors.ts'
import type { Chosen } from '../tree/chosen-paths.ts'
import type { TreeEntry, TreeItem, TreeWarning } from '../tree/entry.ts'
import { LinkTable } from '../tree/link-table.ts'
import type { OnProtected } from '../tree/on-protected.ts'
import { canEnter, type Seen, type SortedFolder, type SortedWalk, sortedWalk } from '../tree/sorted-walk.ts'
import type { UnpackSummary } from '../tree/unpack-summary.ts'
import { type OpenVolume, openVolume } from '../tree/volume.ts'
import { TreeWriter } from '../tree/write-tree.ts'
import { openContent } from './item-content.ts'

export interface MirrorCopyInput {
  /** The folder to copy: a trusted path, but with untrusted content. */
  mirror: string
  /** An existing empty directory. */
  target: string
  chosen: Chosen & { noteFound?(path: Buffer): void }
  signal: AbortSignal
  /** Totals so far (`bytes` of file content) and the path that is being written. Called often: keep it cheap. */
  onProgress(done: { bytes: number; files: number; path: Buffer }): void
  onWarning(warning: TreeWarning): void
  /** Passed on to TreeWriter. */
  onProtected?: OnProtected
}

/**
 * Copies the chosen part of a mirror into an empty directory and syncs it to disk. Parent folders of chosen entries are
 * copied too; links are copied, never followed. Everything except the root gets its metadata. What cannot be read or
 * written exactly causes a warning. Blocks the event loop: use it in a process of its own. Throws STORE_UNAVAILABLE,
 * NO_ROOM, or the signal's reason once aborted; the caller must then discard the target.
 */
export async function copyMirror(input: MirrorCopyInput): Promise<UnpackSummary> {
  using volume = await openMirror(input.mirror)
  using links = new LinkTable()
  const copy = new Copy(input, volume, links)
  try {
    return await copy.run()
  } finally {
    copy.close()
  }
}

/** Throws STORE_UNAVAILABLE. */
export async function openMirror(mirror: string): Promise<OpenVolume> {
  try {
    return await openVolume(mirror)
  } catch (cause) {
    const message = `The mirror cannot be read: ${messageOf(cause)}`
    throw new BackupdError('STORE_UNAVAILABLE', message, { cause })
  }
}

class Copy {
  readonly #input: MirrorCopyInput
  readonly #volume: OpenVolume
  readonly #links: LinkTable
  readonly #walk: SortedWalk
  readonly #writer: TreeWriter
  readonly #done = { bytes: 0, files: 0, entries: 0 }
  #faults = 0

  constructor(input: MirrorCopyInput, volume: OpenVolume, links: LinkTable) {
    this.#input = input
    this.#volume = volume
    this.#links = links
    const onWarning = (warning: TreeWarning) => this.#warn(warning)
    this.#writer = new TreeWriter(input.target, onWarning, input.onProtected)
    const isKnown = (entry: TreeEntry) => !this.#isWanted(entry)
    this.#walk = sortedWalk(volume, { signal: input.signal, onWarning, isKnown })
  }

  async run(): Promise<UnpackSummary> {
    const root = await this.#walk.openRoot()
    if (root) await this.#copyFolder(root)
    this.#writer.finish()
    return { ...this.#done, root: this.#volume.root, faults: this.#faults }
  }

  close(): void {
    this.#writer.close()
  }

  #isWanted({ path, type }: TreeEntry): boolean {
    const choice = this.#input.chosen.of(path)
    return choice === 'all' || (choice === 'ancestor' && type === 'directory')
  }

  async #copyFolder(folder: SortedFolder): Promise<void> {
    try {
      for (let batch = await folder.next(); batch.length > 0; batch = await folder.next()) {
        for (const seen of batch) if (this.#isWanted(seen.item.entry)) await this.#copy(seen)
      }
    } finally {
      folder.close()
    }
  }

  async #copy(seen: Seen): Promise<void> {
    const { entry } = seen.item
    this.#input.chosen.noteFound?.(entry.path)
    if (await this.#write(seen.item)) this.#count(entry)
    this.#progress(entry.path)
    const inner = canEnter(seen) ? await this.#walk.open(seen) : undefined
    if (inner) await this.#copyFolder(inner)
  }

  async #write(item: TreeItem): Promise<boolean> {
    const { entry } = item
    const mayBeLinked = entry.links > 1 && entry.type !== 'directory'
    const first = mayBeLinked ? this.#links.claim(entry) : undefined
    if (first?.isSame) return this.#writer.hardLink(entry.path, first.path) !== undefined
    const written =
      entry.type === 'file' ? await this.#writeFile(item) : await this.#writer.write(entry, NOTHING)
    if (written && mayBeLinked) this.#links.add(entry, { path: entry.path, offset: 0 })
    return written
  }

  async #writeFile(item: TreeItem): Promise<boolean> {
    const { signal } = this.#input
    const content = await openContent(item, {
      onBytes: (bytes) => {
        signal.throwIfAborted()
        this.#done.bytes += bytes
        this.#progress(item.entry.path)
      },
      onFault: (message) => this.#warn({ severity: 'fault', path: item.entry.path, message }),
    })
    if (!content) return false
    try {
      return await this.#writer.write(item.entry, content)
    } finally {
      await content.close()
    }
  }

  #count({ type }: TreeEntry): void {
    this.#done.entries++
    if (type === 'file') this.#done.files++
  }

  #progress(path: Buffer): void {
    this.#input.onProgress({ bytes: this.#done.bytes, files: this.#done.files, path })
  }

  #warn(warning: TreeWarning): void {
    if (warning.severity === 'fault') this.#faults += warning.count ?? 1
    this.#input.onWarning(warning)
  }
}

const NOTHING = { next: async () => null }
