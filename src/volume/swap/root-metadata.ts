import { fstatSync } from 'node:fs'
import { z } from 'zod'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry, Xattr } from '../tree/entry.ts'
import { exactMtimeNs } from '../tree/exact-time.ts'
import { PROTECTING_FLAGS, readFlags, setFlags } from '../tree/inode-flags.ts'
import { applyRootMetadata } from '../tree/write.ts'
import type { Folder } from './folder.ts'

/** A directory's own metadata, as it goes to a journal: numbers that may be large as text, values in base64. */
export const rootMetadataSchema = z.object({
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  mtimeNs: z.string(),
  xattrs: z.array(z.object({ name: z.base64(), value: z.base64() })),
  /** Inode flags; a journal from before has none. */
  flags: z.number().int().nonnegative().optional(),
})
export type RootMetadata = z.infer<typeof rootMetadataSchema>

/** As it is now. Without the kernel's calls there are no extended attributes to give back, nor will any be touched. */
export function readRoot(folder: Folder): RootMetadata {
  const stats = fstatSync(folder.fd, { bigint: true })
  return {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: String(exactMtimeNs(folder.fd, stats.mtimeNs)),
    xattrs: readXattrs(folder.fd).map(toBase64),
    flags: flagsOf(folder.fd),
  }
}

function flagsOf(fd: number): number {
  const kernel = loadKernel()
  return kernel ? readFlags(kernel, fd, false).flags : 0
}

function readXattrs(fd: number): Xattr[] {
  const kernel = loadKernel()
  if (!kernel) return []
  return kernel.listXattrs(fd).map((name) => ({ name, value: kernel.getXattr(fd, name) ?? Buffer.alloc(0) }))
}

function toBase64({ name, value }: Xattr): { name: string; value: string } {
  return { name: name.toString('base64'), value: value.toString('base64') }
}

export function rootOfEntry(entry: TreeEntry): RootMetadata {
  const { mode, uid, gid, mtimeNs, xattrs, flags = 0 } = entry
  const root = { mode, uid, gid, mtimeNs: String(mtimeNs), xattrs: xattrs.map(toBase64), flags }
  return unprotectedRoot(root)
}

/** An immutable volume could be recovered once only; the recover says that it is not made so. */
export function unprotectedRoot(root: RootMetadata): RootMetadata {
  return { ...root, flags: (root.flags ?? 0) & ~PROTECTING_FLAGS }
}

/** The warning for it; undefined if there is nothing to warn of. */
export function protectionLost(volume: string, flags = 0): string | undefined {
  if (!(flags & PROTECTING_FLAGS)) return undefined
  return `${volume}: was immutable or append-only itself, which it is not made again: see chattr`
}

/** The entry of a volume itself, as tree/ writes it. */
function entryOfRoot(root: RootMetadata): TreeEntry {
  return {
    type: 'directory',
    path: Buffer.alloc(0),
    mode: root.mode,
    uid: root.uid,
    gid: root.gid,
    size: 0,
    mtimeNs: BigInt(root.mtimeNs),
    ctimeNs: 0n,
    device: 0n,
    inode: 0n,
    links: 1,
    major: 0,
    minor: 0,
    linkTarget: null,
    xattrs: root.xattrs.map(({ name, value }) => ({
      name: Buffer.from(name, 'base64'),
      value: Buffer.from(value, 'base64'),
    })),
    extents: null,
  }
}

/** Gives a volume its own metadata, exactly. `onRefused` is told, as the end of a sentence, what could not be set. */
export async function applyRoot(
  volume: Folder,
  root: RootMetadata,
  onRefused: (message: string) => void,
): Promise<void> {
  await applyRootMetadata(volume.self, entryOfRoot(root), onRefused)
  applyFlags(volume, root.flags, onRefused)
}

function applyFlags(volume: Folder, flags: number | undefined, onRefused: (message: string) => void): void {
  const kernel = loadKernel()
  if (flags === undefined || !kernel || kernel.getFlags(volume.fd) === undefined) return
  try {
    setFlags(kernel, volume.fd, flags)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    onRefused(`its inode flags (chattr) could not be restored (${errnoOf(error)})`)
  }
}
