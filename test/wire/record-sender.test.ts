import { expect, test } from 'vitest'
import { findForeignPart } from '../../src/wire/record-sender.ts'
import { sampleBackup, sampleRecord } from '../support/catalog-samples.ts'

const OWN = '10.0.0.1'
const own = sampleBackup({ server: OWN })
const foreign = sampleBackup({ server: '10.0.0.2' })
const record = (changes: Parameters<typeof sampleRecord>[0]) => sampleRecord({ server: OWN, ...changes })

test.each([
  ['of a job without a server in its id', record({ jobId: '' })],
  ['of an own job with an own backup', record({ jobId: '0a000001ab', result: { backup: own } })],
  ['that changed own series', record({ result: { changed: [own, own] } })],
])('a record %s may only be about its own server', (_what, told) => {
  expect(findForeignPart(told)).toBeUndefined()
})

test.each([
  ['a job of another server', record({ jobId: '0a000002ab' }), 'its job belongs to 10.0.0.2'],
  ['a backup of another', record({ result: { backup: foreign } }), 'its backup belongs to 10.0.0.2'],
  ['series of another', record({ result: { changed: [own, foreign] } }), 'its backup belongs to 10.0.0.2'],
  [
    'an own backup, a series of another',
    record({ result: { backup: own, changed: [foreign] } }),
    'its backup',
  ],
])('no daemon may report for another: %s is found', (_what, told, flaw) => {
  expect(findForeignPart(told)).toContain(flaw)
})
