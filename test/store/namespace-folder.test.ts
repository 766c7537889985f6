import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { withNamespaceFolder } from '../../src/store/namespace-folder.ts'
import { given } from '../support/given.ts'
import { IP } from '../support/store-samples.ts'

test('a failed system call is blamed on the store, and no other error is', async () => {
  const { dir } = await given.store()
  const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0' }
  const clock = systemClock
  const trustedNow = () => clock.now()
  const world = { driver: localDriver(dir), identity, clock, trustedNow, warn: () => {} }
  const missing = withNamespaceFolder(world, (path) => readFile(join(path, 'none')))
  await expect(missing).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/^Cannot change 10\.0\.0\.1 of the store: ENOENT/),
  })
  for (const error of [new BackupdError('CANCELLED', 'cancelled'), new TypeError('a fault of ours')])
    await expect(withNamespaceFolder(world, () => Promise.reject(error))).rejects.toBe(error)
})
