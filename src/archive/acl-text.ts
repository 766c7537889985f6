import { readFileSync } from 'node:fs'

/** The value of `system.posix_acl_*`. `minimal`: it names nobody, so as an access ACL it says the same as the mode. */
export type ParsedAcl = { value: Buffer; minimal: boolean } | { problem: string }

interface AclEntry {
  tag: number
  permissions: number
  id: number
}

/** The tags of each word (linux/posix_acl.h): `own` without a name, `named` with one. */
const TAGS: Record<string, { own: number; named: number }> = {
  user: { own: 0x01, named: 0x02 },
  group: { own: 0x04, named: 0x08 },
  mask: { own: 0x10, named: 0x10 },
  other: { own: 0x20, named: 0x20 },
}
const NO_ID = 0xffffffff
const ACL_VERSION = 2

/**
 * Parses an ACL as text: `user::rw-,user:1234:r--,group::r--,mask::r--,other::r--`, also with one entry a line, with
 * names, or with star's fourth field for ids. Returns the kernel's form (linux/posix_acl_xattr.h): the version, then
 * tag, permissions and id of each entry.
 */
export function parseAclText(text: string): ParsedAcl {
  const entries: AclEntry[] = []
  for (const part of text.split(/[,\n]/)) {
    const line = part.replace(/#.*/, '').trim()
    if (line === '') continue
    const entry = parseEntry(line)
    if (typeof entry === 'string') return { problem: entry }
    entries.push(entry)
  }
  return { value: encode(entries), minimal: entries.length <= 3 }
}

/** Returns the entry, or what is wrong with it. */
function parseEntry(line: string): AclEntry | string {
  const [word = '', name = '', rights = '', star = ''] = line.split(':')
  const tags = Object.entries(TAGS).find(([long]) => long === word || long[0] === word)
  const match = /^([r-])([w-])([x-])$/.exec((tags && !isNamed(word) && rights === '' ? name : rights).trim())
  if (!tags || !match) return `"${line.slice(0, 60)}" is not an ACL entry, expected one such as user:1000:rwx`
  const named = isNamed(word) && name !== ''
  const id = named ? findId(tags[0], star || name) : NO_ID
  if (id === undefined) return `the ${tags[0]} "${name}" does not exist on this machine`
  const permissions = (match[1] === 'r' ? 4 : 0) + (match[2] === 'w' ? 2 : 0) + (match[3] === 'x' ? 1 : 0)
  return { tag: named ? tags[1].named : tags[1].own, permissions, id }
}

function isNamed(word: string): boolean {
  return word[0] === 'u' || word[0] === 'g'
}

function findId(kind: string, name: string): number | undefined {
  if (/^\d{1,10}$/.test(name)) return Number(name) < NO_ID ? Number(name) : undefined
  const line = readFileSync(kind === 'user' ? '/etc/passwd' : '/etc/group', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${name}:`))
  const id = line?.split(':')[2]
  return id !== undefined && /^\d+$/.test(id) && Number(id) < NO_ID ? Number(id) : undefined
}

/** The kernel expects entries in the order of their tags. */
function encode(entries: readonly AclEntry[]): Buffer {
  const value = Buffer.alloc(4 + entries.length * 8)
  value.writeUInt32LE(ACL_VERSION, 0)
  const ordered = entries.toSorted((a, b) => a.tag - b.tag || a.id - b.id)
  for (const [index, { tag, permissions, id }] of ordered.entries()) {
    value.writeUInt16LE(tag, 4 + index * 8)
    value.writeUInt16LE(permissions, 6 + index * 8)
    value.writeUInt32LE(id, 8 + index * 8)
  }
  return value
}
