import { expect, test } from 'vitest'
import { type BackupBefore, findSuspicion } from '../../../src/store/kinds/suspicion.ts'

const DISK = { device: '8:1', mountPoint: false }
const MOUNT = { device: '8:17', mountPoint: true }

function before(change: Partial<BackupBefore> = {}): BackupBefore {
  return { name: 'db-1795423489.tar.gz', root: DISK, files: 3, suspect: null, ...change }
}

test('the first backup of a volume is never suspect', () => {
  expect(findSuspicion({ root: DISK, empty: true }, undefined)).toBeNull()
})

test('an empty volume that was empty before is not suspect', () => {
  expect(findSuspicion({ root: DISK, empty: true }, before({ files: 0 }))).toBeNull()
})

test('an empty volume that was filled before is suspect', () => {
  expect(findSuspicion({ root: DISK, empty: true }, before())).toContain('the volume is empty')
})

test('a missing mount is suspect, and stays so while it is missing', () => {
  const first = findSuspicion({ root: DISK, empty: true }, before({ root: MOUNT }))
  expect(first).toContain('the volume is empty, nothing is mounted on the volume')
  const second = before({ suspect: first, files: 0 })
  expect(findSuspicion({ root: DISK, empty: true }, second)).toContain('nothing is mounted')
  expect(findSuspicion({ root: DISK, empty: false }, second)).toContain('nothing is mounted')
  expect(findSuspicion({ root: MOUNT, empty: false }, second)).toBeNull()
})

test('another disk, or another disk below the volume, is suspect', () => {
  expect(
    findSuspicion({ root: { ...MOUNT, device: '8:33' }, empty: false }, before({ root: MOUNT })),
  ).toContain('(8:33, was 8:17)')
  expect(findSuspicion({ root: { ...DISK, device: '8:2' }, empty: false }, before())).toContain(
    '(8:2, was 8:1)',
  )
})

test('device numbers that a network file system changes with each mount mean nothing', () => {
  const now = { root: { device: '0:51', mountPoint: true }, empty: false }
  expect(findSuspicion(now, before({ root: { device: '0:47', mountPoint: true } }))).toBeNull()
})

test('a new mount is not suspect', () => {
  expect(findSuspicion({ root: MOUNT, empty: false }, before())).toBeNull()
})
