import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  archiveName,
  backupName,
  guessProcOfArchive,
  parseBackupName,
  procOfArchive,
} from '../../src/wire/archive-name.ts'

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
const volume = fc
  .array(fc.stringMatching(/^[a-z0-9._-]{1,8}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`)
const owner = fc.record({
  app: word,
  type: fc.constantFrom('web', 'worker', 'oneshot'),
  name: word,
  instanceNo: fc.integer({ min: 1, max: 999 }),
  volume,
})

test('the name of an archive tells its owner, for any app, proc and volume', () => {
  fc.assert(
    fc.property(owner, ({ app, type, name, instanceNo, volume }) => {
      const proc = `${app}.${type}.${name}`
      const archive = archiveName({ app, proc, instanceNo, volume })
      expect(procOfArchive(archive, { instanceNo, volume })).toEqual({ app, proc })
    }),
  )
})

test('the name of a backup is split into the parts it was made of', () => {
  fc.assert(
    fc.property(owner, fc.integer({ min: 1_000_000_000, max: 99_999_999_999 }), (of, seconds) => {
      const archive = archiveName({ ...of, proc: `${of.app}.${of.type}.${of.name}` })
      expect(parseBackupName(backupName(archive, seconds))).toEqual({ archive, seconds })
    }),
  )
})

test('a name of another kind belongs to nobody', () => {
  expect(procOfArchive('holiday-photos', { instanceNo: 1, volume: '/data' })).toEqual({ app: '', proc: '' })
  expect(guessProcOfArchive('holiday-photos')).toEqual({ app: '', proc: '' })
  expect(parseBackupName('notes.txt')).toBeUndefined()
})

test('without its volume, a name tells its owner up to the first number', () => {
  expect(guessProcOfArchive('shop-shop.web.web-1-data-db')).toEqual({ app: 'shop', proc: 'shop.web.web' })
})
