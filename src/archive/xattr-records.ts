import type { Xattr } from '../volume/tree/entry.ts'
import { encodeAclText } from './acl-encode.ts'
import type { PaxRecord } from './pax-records.ts'

const ACL_KEYS = new Map([
  ['system.posix_acl_access', 'SCHILY.acl.access'],
  ['system.posix_acl_default', 'SCHILY.acl.default'],
])

/** Encodes attributes like star and GNU tar: raw values, ACLs as text. GNU tar restores them with `--xattrs --acls`. */
export function encodeXattrs(xattrs: readonly Xattr[]): PaxRecord[] {
  return xattrs.map(({ name, value }) => {
    const text = name.toString('latin1')
    const aclKey = ACL_KEYS.get(text)
    const acl = aclKey === undefined ? undefined : encodeAclText(value)
    if (aclKey !== undefined && acl !== undefined) return { key: aclKey, value: Buffer.from(acl) }
    return { key: `SCHILY.xattr.${escapeName(text)}`, value }
  })
}

/** `=` would end the keyword. */
function escapeName(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('=', '%3D')
}
