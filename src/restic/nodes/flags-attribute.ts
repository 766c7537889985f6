import type { TreeEntry, Xattr } from '../../volume/tree/entry.ts'
import { flagsText, parseFlags } from '../../volume/tree/inode-flags.ts'

/**
 * restic has no field for inode flags, and does not rewrite trees with unknown fields. Flags are therefore stored as an
 * extended attribute with this name. An attribute with this name in the volume is left out: otherwise, anyone who can
 * set attributes could make a recover set flags.
 */
const FLAGS_ATTRIBUTE = Buffer.from('user.backupd.fflags')

/** Returns the attributes of a node: those of the entry, and its flags as one more. */
export function joinFlags({ xattrs, flags = 0 }: TreeEntry): readonly Xattr[] {
  const isPlain = flags === 0 && !xattrs.some(isFlags)
  if (isPlain) return xattrs
  const others = xattrs.filter((xattr) => !isFlags(xattr))
  return flags === 0 ? others : [...others, { name: FLAGS_ATTRIBUTE, value: Buffer.from(flagsText(flags)) }]
}

/** The inverse of joinFlags(). */
export function splitFlags(all: Xattr[]): Pick<TreeEntry, 'xattrs' | 'flags'> {
  const own = all.find(isFlags)
  if (!own) return { xattrs: all }
  const flags = parseFlags(own.value.toString('latin1'))
  return { xattrs: all.filter((xattr) => xattr !== own), ...(flags !== 0 && { flags }) }
}

function isFlags({ name }: Xattr): boolean {
  return name.equals(FLAGS_ATTRIBUTE)
}
