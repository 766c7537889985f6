/** Tags of an ACL (linux/posix_acl.h): the word in its text form, and whether an id follows. */
const TAGS = new Map<number, { word: string; named: boolean }>([
  [0x01, { word: 'user', named: false }],
  [0x02, { word: 'user', named: true }],
  [0x04, { word: 'group', named: false }],
  [0x08, { word: 'group', named: true }],
  [0x10, { word: 'mask', named: false }],
  [0x20, { word: 'other', named: false }],
])

const ACL_VERSION = 2
const HEADER_BYTES = 4
const ENTRY_BYTES = 8

/**
 * Encodes an ACL in the kernel's form (linux/posix_acl_xattr.h) as text with ids instead of names:
 * `user::rw-,user:1234:r--,group::r--,mask::r--,other::---`. Undefined if it does not have the kernel's form.
 */
export function encodeAclText(value: Buffer): string | undefined {
  if (value.length < HEADER_BYTES || value.readUInt32LE(0) !== ACL_VERSION) return undefined
  if ((value.length - HEADER_BYTES) % ENTRY_BYTES !== 0) return undefined
  const entries: string[] = []
  for (let at = HEADER_BYTES; at < value.length; at += ENTRY_BYTES) {
    const tag = TAGS.get(value.readUInt16LE(at))
    if (!tag) return undefined
    const id = tag.named ? value.readUInt32LE(at + 4) : ''
    entries.push(`${tag.word}:${id}:${rights(value.readUInt16LE(at + 2))}`)
  }
  return entries.join(',')
}

function rights(bits: number): string {
  return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`
}
