import { fstatSync } from 'node:fs'
import { z } from 'zod'
import { requireErrno } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import type { TreeEntry, Xattr } from '../tree/entry.ts'
import { exactMtimeNs } from '../tree/exact-time.ts'
import { PROTECTING_FLAGS, readFlags, setFlags } from '../tree/inode-flags.ts'
import { applyRootMetadata } from '../tree/write.ts'
import type { Folder } from './folder.ts'

/** A directory's own metadata in a journal: large numbers as text, names and values of attributes in base64. */
export const rootMetadataSchema = z.object({
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  mtimeNs: z.string(),
  xattrs: z.array(z.object({ name: z.base64(), value: z.base64() })),
  /** Inode flags; missing in journals of older versions. */
  flags: z.number().int().nonnegative().optional(),
})
export type RootMetadata = z.infer<typeof rootMetadataSchema>

/** Reads the current metadata. Without kernel calls, extended attributes are neither read here nor changed later. */
export function readRoot(folder: Folder): RootMetadata {
  const stats = fstatSync(folder.fd, { bigint: true })
  return {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: String(exactMtimeNs(folder.fd, stats.mtimeNs)),
    xattrs: readXattrs(folder.fd).map(toBase64),
    flags: readRootFlags(folder.fd),
  }
}

function readRootFlags(fd: number): number {
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

export function toRootMetadata(entry: TreeEntry): RootMetadata {
  const { mode, uid, gid, mtimeNs, xattrs, flags = 0 } = entry
  const root = { mode, uid, gid, mtimeNs: String(mtimeNs), xattrs: xattrs.map(toBase64), flags }
  return unprotectedRoot(root)
}

/** Drops the protecting flags: an immutable volume could not be recovered again. The recover warns about it. */
export function unprotectedRoot(root: RootMetadata): RootMetadata {
  return { ...root, flags: (root.flags ?? 0) & ~PROTECTING_FLAGS }
}

/** The warning that a volume loses these flags; undefined if it had none. */
export function describeLostProtection(volume: string, flags = 0): string | undefined {
  if (!(flags & PROTECTING_FLAGS)) return undefined
  return `${volume}: was immutable or append-only, which is not restored: see chattr`
}

/** The tree entry of a volume itself, as volume/tree needs it to write metadata. */
function makeRootEntry(root: RootMetadata): TreeEntry {
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

/** Sets the volume's own metadata. `onRefused` gets what could not be set, as the end of a sentence. */
export async function applyRoot(
  volume: Folder,
  root: RootMetadata,
  onRefused: (message: string) => void,
): Promise<void> {
  await applyRootMetadata(volume.self, makeRootEntry(root), onRefused)
  applyFlags(volume, root.flags, onRefused)
}

function applyFlags(volume: Folder, flags: number | undefined, onRefused: (message: string) => void): void {
  const kernel = loadKernel()
  if (flags === undefined || !kernel || kernel.getFlags(volume.fd) === undefined) return
  try {
    setFlags(kernel, volume.fd, flags)
  } catch (error) {
    onRefused(`its inode flags (chattr) could not be restored (${requireErrno(error)})`)
  }
}
