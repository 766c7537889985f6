import { textToBytes } from '../lib/byte-paths.ts'
import type { ObjectReader } from '../objects/driver.ts'
import type { TreeEntry } from '../volume/tree/entry.ts'
import type { UnpackSummary } from '../volume/tree/unpack-summary.ts'
import type { IndexEntry } from './index-format.ts'
import { inflatePlanned } from './inflate-planned.ts'
import type { ChosenPlan } from './plan-chosen.ts'
import { type UnpackInto, Unpacking } from './unpacking.ts'

export interface UnpackChosenInput extends UnpackInto {
  archive: ObjectReader
  plan: ChosenPlan
}

/**
 * Like unpackArchive(), but reads only the members of the archive that have the chosen files. Instead of the archive's
 * sha256, that of each file is compared with the index.
 */
export async function unpackChosen(input: UnpackChosenInput): Promise<UnpackSummary> {
  const { archive, plan, signal } = input
  const hashes = plan.entries.values()
  const unpacking = new Unpacking(input, {
    pieces: inflatePlanned(archive, plan.members, signal),
    nextHash: () => hashes.next().value?.sha256 ?? null,
    mayBeEmpty: true,
    end: async () => {},
  })
  return await unpacking.unpack(plan.folders.map(makeFolderEntry))
}

/** An index does not have inode, device and ctime. */
function makeFolderEntry({ path, mode, uid, gid, mtimeNs }: IndexEntry): TreeEntry {
  const known = { path: textToBytes(path), mode, uid, gid, mtimeNs: BigInt(mtimeNs) }
  const none = { size: 0, major: 0, minor: 0, linkTarget: null, xattrs: [], extents: null }
  return { type: 'directory', ...known, ...none, ctimeNs: 0n, device: 0n, inode: 0n, links: 1 }
}
