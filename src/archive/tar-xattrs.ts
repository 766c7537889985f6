import type { Xattr } from '../volume/tree/entry.ts'
import { parseAclText } from './acl-text.ts'
import type { PaxRecord } from './pax-records.ts'

const RAW = 'SCHILY.xattr.'
const LIBARCHIVE = 'LIBARCHIVE.xattr.'
const ACLS: Record<string, string> = {
  'SCHILY.acl.access': 'system.posix_acl_access',
  'SCHILY.acl.default': 'system.posix_acl_default',
}

/**
 * Decodes the extended attributes in an entry's pax records: raw values of GNU tar and star, base64 of libarchive, ACLs
 * as text, SELinux labels. If an attribute has several forms, the raw value counts.
 */
export function decodeXattrs(records: readonly PaxRecord[]): { xattrs: Xattr[]; doubts: string[] } {
  const raw = new Map<string, Buffer>()
  const derived = new Map<string, Buffer>()
  const doubts: string[] = []
  for (const { key, value } of records) {
    const acl = ACLS[key]
    if (key.startsWith(RAW)) raw.set(unescapeGnu(key.slice(RAW.length)), value)
    else if (key.startsWith(LIBARCHIVE))
      derived.set(unescapeUrl(key.slice(LIBARCHIVE.length)), unbase64(value))
    else if (key === 'RHT.security.selinux') derived.set('security.selinux', value)
    else if (acl) setAcl(derived, acl, { text: value, doubts })
  }
  const all = new Map([...derived, ...raw])
  return { xattrs: [...all].map(([name, value]) => ({ name: Buffer.from(name, 'latin1'), value })), doubts }
}

function setAcl(
  derived: Map<string, Buffer>,
  name: string,
  { text, doubts }: { text: Buffer; doubts: string[] },
): void {
  if (text.length === 0) return
  const acl = parseAclText(text.toString())
  if ('problem' in acl) doubts.push(`has an ACL that could not be restored (${acl.problem})`)
  else if (!acl.minimal || name !== ACLS['SCHILY.acl.access']) derived.set(name, acl.value)
}

/** GNU tar escapes `=`, which must not be in a keyword. */
function unescapeGnu(name: string): string {
  return name.replaceAll('%3D', '=').replaceAll('%25', '%')
}

function unescapeUrl(name: string): string {
  return name.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function unbase64(value: Buffer): Buffer {
  return Buffer.from(value.toString('latin1'), 'base64')
}
