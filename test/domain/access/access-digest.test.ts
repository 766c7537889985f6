import { expect, test } from 'vitest'
import {
  AccessDigest,
  MAX_ENTRIES_OF_ATTEMPTS,
  MAX_REFUSED_ADDRESSES,
} from '../../../src/domain/access/access-digest.ts'

const DAY_MS = 86_400_000

test('refusals are counted by address and code, until they are taken', () => {
  const digest = new AccessDigest()
  expect(digest.takeRefused()).toBeNull()
  for (const code of ['UNAUTHENTICATED', 'UNAUTHENTICATED', 'TLS_REQUIRED'])
    digest.noteRefused('10.0.0.7', code)
  digest.noteRefused('10.0.0.8', 'UNAUTHENTICATED')
  expect(digest.takeRefused()).toEqual({
    addresses: [
      { address: '10.0.0.7', counts: { UNAUTHENTICATED: 2, TLS_REQUIRED: 1 } },
      { address: '10.0.0.8', counts: { UNAUTHENTICATED: 1 } },
    ],
    callers: [],
    others: 0,
  })
  expect(digest.takeRefused()).toBeNull()
})

test('any number of addresses takes a bounded entry, in which the first ones are still counted', () => {
  const digest = new AccessDigest()
  for (let n = 0; n < 5000; n++) digest.noteRefused(`10.0.${n >> 8}.${n & 255}`, 'UNAUTHENTICATED')
  digest.noteRefused('10.0.0.0', 'UNAUTHENTICATED')
  const taken = digest.takeRefused()
  expect(taken?.addresses).toHaveLength(MAX_REFUSED_ADDRESSES)
  expect(taken?.others).toBe(5000 - MAX_REFUSED_ADDRESSES)
  expect(taken?.addresses[0]).toEqual({ address: '10.0.0.0', counts: { UNAUTHENTICATED: 2 } })
})

test('a caller who is refused again and again has a bounded number of entries, and the rest is counted', () => {
  const digest = new AccessDigest()
  const attempt = (verb: string) => digest.noteAttempt('graphql 10.0.0.7', verb, 'NOT_PERMITTED')
  const alone = Array.from({ length: 50 }, () => attempt('recover')).filter(Boolean)
  expect(alone).toHaveLength(MAX_ENTRIES_OF_ATTEMPTS)
  expect(attempt('runJob')).toBe(true)
  const repeated = { who: 'graphql 10.0.0.7', verb: 'recover', counts: { NOT_PERMITTED: 30 } }
  expect(digest.takeRefused()).toEqual({ addresses: [], callers: [repeated], others: 0 })
  expect([attempt('recover'), digest.takeRefused()]).toEqual([true, null])
  for (let n = 0; n < 5000; n++) digest.noteAttempt(`graphql 10.0.${n}`, 'recover', 'NOT_PERMITTED')
  expect(digest.takeRefused()).toMatchObject({ callers: [], others: 4900 })
})

test('a sign-in is noted once a day for each token and address', () => {
  const digest = new AccessDigest()
  const note = (key: string, elapsed: number) => digest.noteSignIn(key, () => key, elapsed)
  for (const key of ['a 10.0.0.1', 'a 10.0.0.1', 'a 10.0.0.2', 'b 10.0.0.1']) note(key, 0)
  expect(digest.takeSignIns()).toEqual(['a 10.0.0.1', 'a 10.0.0.2', 'b 10.0.0.1'])
  note('a 10.0.0.1', DAY_MS - 1)
  expect(digest.takeSignIns()).toEqual([])
  note('a 10.0.0.1', DAY_MS)
  expect(digest.takeSignIns()).toEqual(['a 10.0.0.1'])
  for (let n = 0; n < 20_000; n++) note(`c 10.${n}`, DAY_MS)
  expect(digest.takeSignIns().length).toBeLessThanOrEqual(10_000)
})
