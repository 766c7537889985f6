import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeAclText } from '../../src/archive/acl-encode.ts'
import { parseAclText } from '../../src/archive/acl-text.ts'

const NO_ID = 0xffffffff
const TAGS = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20]
const NAMED = new Set([0x02, 0x08])

/** In the kernel's order, as getxattr gives it. */
const acl = fc
  .array(
    fc.record({
      tag: fc.constantFrom(...TAGS),
      permissions: fc.integer({ min: 0, max: 7 }),
      id: fc.oneof(fc.integer({ min: 0, max: NO_ID - 1 }), fc.constantFrom(0, 2 ** 31, NO_ID - 1)),
    }),
    { maxLength: 40 },
  )
  .map((entries) => {
    const value = Buffer.alloc(4 + entries.length * 8)
    value.writeUInt32LE(2, 0)
    const own = entries.map(({ tag, permissions, id }) => ({
      tag,
      permissions,
      id: NAMED.has(tag) ? id : NO_ID,
    }))
    for (const [at, one] of own.toSorted((a, b) => a.tag - b.tag || a.id - b.id).entries()) {
      value.writeUInt16LE(one.tag, 4 + at * 8)
      value.writeUInt16LE(one.permissions, 6 + at * 8)
      value.writeUInt32LE(one.id, 8 + at * 8)
    }
    return value
  })

test('every access list that the kernel gives comes back from its text', () => {
  fc.assert(
    fc.property(acl, (value) => {
      const text = encodeAclText(value)
      expect(text).toBeDefined()
      expect(parseAclText(text ?? '')).toMatchObject({ value })
    }),
  )
})

test('any bytes give a text that is read back the same, or no text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const text = encodeAclText(Buffer.from(bytes))
      if (text !== undefined) expect(parseAclText(text)).not.toHaveProperty('problem')
    }),
  )
})

const word = fc.constantFrom('user', 'group', 'u', 'g', 'mask', 'other', 'm', 'o', 'x', '')
const part = fc
  .tuple(
    word,
    fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 12n }).map(String), fc.string()),
    fc.constantFrom('rwx', 'r--', '---', 'rw', ''),
  )
  .map((words) => words.join(':'))

test('any text gives a list with ids that the kernel accepts, or a problem', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const parsed = parseAclText(parts.join(','))
      if ('problem' in parsed) return
      const again = encodeAclText(parsed.value)
      expect(again).toBeDefined()
      expect(parseAclText(again ?? '')).toEqual(parsed)
    }),
  )
})

test.each(['4294967295', '4294967296', '9999999999'])('the id %s is a problem, not another id', (id) => {
  expect(parseAclText(`user::rwx,user:${id}:rwx,group::r--,mask::r--,other::r--`)).toEqual({
    problem: `the user "${id}" does not exist on this machine`,
  })
})
