import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestDaemon, testFolder } from '../support/real-controller.ts'
import { openWholeStore } from '../support/whole-store.ts'

test('a first start logs where the password is, not the password; a wrong one prevents the next start', async () => {
  const folder = await testFolder()
  const dir = join(folder, 'store')
  const first = await startTestDaemon(folder)
  const password = (await readFile(join(dir, '.repository-password'), 'utf8')).trim()
  const told = JSON.stringify(first.log.lines)
  expect(told).toContain(`The password of this store's increments was created: ${dir}/.repository-password`)
  expect(told).not.toContain(password)
  await first.close()

  const dataDir = join(folder, 'daemon-127.0.0.1')
  const daemonId = (await readFile(join(dataDir, 'daemon-id'), 'utf8')).trim()
  const identity = { ip: '127.0.0.1', daemonId, dataDir, version: 'x' }
  const store = openWholeStore({ driver: 'local', dir }, identity)
  await (await store.ownRepository())[Symbol.asyncDispose]()
  const again = await startTestDaemon(folder)
  expect(JSON.stringify(again.log.lines)).not.toContain('was created')
  await again.close()

  await writeFile(join(dir, '.repository-password'), 'wrong\n')
  await expect(startTestDaemon(folder)).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  expect(await readFile(join(dir, '.repository-password'), 'utf8')).toBe('wrong\n')
})
