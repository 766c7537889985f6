import { expect, test } from 'vitest'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { localDriver } from '../../../../src/objects/drivers/local.ts'
import { readDamage } from '../../../../src/store/kinds/series/damage-note.ts'
import { given } from '../../../support/given.ts'
import { ARCHIVE, IP } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'

test.each([
  ['noted if the repository is locked', true],
  ['not noted without a lock, because a prune may have removed it meanwhile', false],
])('data that is missing when a snapshot is opened is %s', async (_how, canLock) => {
  const dir = tempDir()
  const driver = localDriver(dir)
  // The tree of the snapshot was never stored.
  const { store, snapshots } = await given.withSnapshots(1).store({ dir, driver })
  if (!canLock) driver.createIn = () => Promise.reject(readOnly())
  const warnings: string[] = []
  const signal = new AbortController().signal
  const reader = { dataDir: tempDir(), signal, warn: (text: string) => void warnings.push(text) }
  const backup = await store.find(IP, ARCHIVE)
  await expect(backup?.open(null, reader)).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(Object.keys((await readDamage(driver, IP)).snapshots)).toEqual(canLock ? snapshots : [])
  expect(warnings).toEqual(canLock ? [] : [expect.stringContaining('It is read without a lock')])
})

function readOnly(): BackupdError {
  return new BackupdError('STORE_UNAVAILABLE', 'read-only', { facts: { errno: 'EROFS' } })
}
