import { expect, test } from 'vitest'
import { AuditCheck } from '../../src/wire/audit-check.ts'
import { type AuditEntry, hashAuditEntry } from '../../src/wire/audit-entry.ts'

type Draft = Partial<Omit<AuditEntry, 'id' | 'hash'>>

/** A chain of these entries, numbered from `firstId` on. */
function chain(drafts: readonly Draft[], { firstId = 1, previous = '' } = {}): AuditEntry[] {
  let last = previous
  return drafts.map((draft, at) => {
    const fields = {
      at: '2026-12-01T00:00:00Z',
      who: 'me',
      verb: 'runJob',
      facts: {},
      outcome: 'done',
      begin: null,
    }
    const entry = { ...fields, ...draft, id: firstId + at }
    last = hashAuditEntry(last, entry)
    return { ...entry, hash: last }
  })
}

function check(entries: readonly AuditEntry[]) {
  const audit = new AuditCheck()
  for (const entry of entries.toReversed()) audit.add(entry)
  return { ...audit.finish(), problems: audit.problems }
}

const BEGIN = { facts: { id: 'a' }, outcome: 'begun' }
const entries = () => chain([BEGIN, { begin: 1 }, BEGIN, { verb: 'recover' }, { begin: 3 }])

test('a whole chain has no problems, and says what has no end', () => {
  expect(check(entries())).toMatchObject({ count: 5, open: [], problems: [] })
  expect(check(entries().slice(0, 4))).toMatchObject({ count: 4, open: [3], problems: [] })
  expect(check([])).toMatchObject({ count: 0, open: [], problems: [] })
})

function change(at: number, draft: Partial<AuditEntry>): AuditEntry[] {
  return entries().map((entry, n) => (n === at ? { ...entry, ...draft } : entry))
}

test.each<[string, AuditEntry[]]>([
  ['its time', change(1, { at: '2026-12-02T00:00:00Z' })],
  ['its caller', change(2, { who: 'somebody else' })],
  ['what it was about', change(0, { facts: { id: 'b' } })],
  ['its outcome', change(4, { outcome: 'refused' })],
  ['its first entry', change(4, { begin: 1 })],
  ['its hash', change(3, { hash: '0'.repeat(64) })],
  ['the hash of the newest', change(4, { hash: '0'.repeat(64) })],
  ['its number', change(4, { id: 6 })],
  ['its place', [0, 2, 1, 3, 4].flatMap((at) => entries()[at] ?? [])],
  ['whether it exists', entries().toSpliced(2, 1)],
  ['whether the oldest exists', entries().slice(1)],
  ['an entry that stands twice', entries().toSpliced(2, 0, ...entries().slice(2, 3))],
  ['an entry outside of the chain', [...entries(), { ...(entries()[3] as AuditEntry), id: 6, hash: null }]],
])('a chain in which somebody changed %s is found', (_what, changed) => {
  expect(check(changed).problems).not.toEqual([])
})

test('entries that were deleted for their age have a checkpoint, and others have none', () => {
  const old = entries()
  const last = old[2] as AuditEntry
  const facts = { id: last.id, hash: last.hash }
  const kept = chain([{ verb: 'recover' }, { verb: 'pruneAudit', facts }], {
    firstId: last.id + 1,
    previous: last.hash ?? '',
  })
  expect(check(kept).problems).toEqual([])
  expect(check(kept.slice(0, 1)).problems).toEqual(['Entries before 4 are missing, and no entry says why'])
  expect(check(kept.slice(1)).problems).toHaveLength(1)
})

test('entries of a version without a chain may stand before it', () => {
  const plain = { ...(entries()[0] as AuditEntry), hash: null }
  expect(check([plain, ...chain([{}, {}], { firstId: 2 })]).problems).toEqual([])
})

test('the problems are limited', () => {
  const broken = chain(Array.from({ length: 300 }, () => ({}))).map((entry) => ({ ...entry, who: 'x' }))
  expect(check(broken).problems).toHaveLength(100)
})
