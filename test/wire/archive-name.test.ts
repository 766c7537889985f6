import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  archiveName,
  backupName,
  findArchiveOfBackup,
  guessProcOfArchive,
  isBackupName,
  isFullBackupName,
  parseBackupName,
  parseBackupPath,
  parseLegacyBackupName,
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

test('a series is named like its archive, a full backup after it', () => {
  expect(findArchiveOfBackup('shop-shop.web.web-1-data-1700000000.tar.gz')).toBe('shop-shop.web.web-1-data')
  expect(findArchiveOfBackup('shop-shop.web.web-1-data')).toBe('shop-shop.web.web-1-data')
  expect(isFullBackupName('shop-shop.web.web-1-data')).toBe(false)
  expect(isFullBackupName('photos.tar.gz')).toBe(true)
})

test('a legacy daemon whose clock began in 1970 has backups with few digits', () => {
  expect(parseBackupName('a-a.web.web-1-data-90.tar.gz')).toBeUndefined()
  expect(parseLegacyBackupName('a-a.web.web-1-data-90.tar.gz')).toEqual({
    archive: 'a-a.web.web-1-data',
    seconds: 90,
  })
  expect(parseLegacyBackupName('a-12345678901.tar.gz')).toEqual({ archive: 'a', seconds: 0 })
  expect(parseLegacyBackupName('a-1')).toBeUndefined()
})

test.each([
  ['a.tar.gz', true],
  ['.owner', false],
  ['..', false],
  ['', false],
  ['a/b', false],
  ['a\0', false],
  ['é'.repeat(127), true],
  ['é'.repeat(128), false],
])('whether a backup can be named %j: %s', (name, isAllowed) => {
  expect(isBackupName(name)).toBe(isAllowed)
})

test.each([
  ['NAME', 'NAME', ''],
  ['NAME/a/b', 'NAME', 'a/b'],
  ['NAME/a/../b', 'NAME', undefined],
  ['NAME//a', 'NAME', undefined],
  ['NAME/', 'NAME', undefined],
  [`NAME/${'a'.repeat(256)}`, 'NAME', undefined],
])('the path %j names the backup %j and in it %j', (path, name, inside) => {
  expect(parseBackupPath(path)).toEqual({ name, inside })
})
