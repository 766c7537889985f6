import type { TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { flagsText, parseFlags } from '../../volume/tree/inode-flags.ts'

/**
 * restic has no field for inode flags, and refuses to rewrite trees with fields that it does not know: they are kept
 * as an extended attribute of this name. What has that name in the volume is left out, or whoever can set attributes
 * could have a recover set flags.
 */
const FLAGS_ATTRIBUTE = Buffer.from('user.backupd.fflags')

/** The attributes as a node has them. */
export function withFlags({ xattrs, flags = 0 }: TreeEntry): readonly Xattr[] {
  const isPlain = flags === 0 && !xattrs.some(isFlags)
  if (isPlain) return xattrs
  const others = xattrs.filter((xattr) => !isFlags(xattr))
  return flags === 0 ? others : [...others, { name: FLAGS_ATTRIBUTE, value: Buffer.from(flagsText(flags)) }]
}

/** The other way round. */
export function splitFlags(all: Xattr[]): Pick<TreeEntry, 'xattrs' | 'flags'> {
  const own = all.find(isFlags)
  if (!own) return { xattrs: all }
  const flags = parseFlags(own.value.toString('latin1'))
  return { xattrs: all.filter((xattr) => xattr !== own), ...(flags !== 0 && { flags }) }
}

function isFlags({ name }: Xattr): boolean {
  return name.equals(FLAGS_ATTRIBUTE)
}
