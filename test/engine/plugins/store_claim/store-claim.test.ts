import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { storeClaimPlugin } from '../../../../src/engine/plugins/store_claim/plugin.ts'
import { given } from '../../../support/given.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { openWholeStore } from '../../../support/whole-store.ts'

const OTHER = '10.0.0.77'

test("a damaged repository of another daemon does not fail the claim, and is written to the daemon's log", async () => {
  const { settings, storeDir } = await given.app('shop').proc('web').volume('/data/db').plugins()
  const identity = { ...settings, ip: OTHER, daemonId: 'another' }
  const other = openWholeStore(settings.store, identity)
  await other.claim(false)
  await (await other.ownRepository())[Symbol.asyncDispose]()
  writeFileSync(join(storeDir, OTHER, 'repo', 'config'), 'damaged')
  const logged: string[] = []
  const log = (level: string, message: string) => void logged.push(`${level}: ${message}`)
  const { result } = await runPlugin(storeClaimPlugin, settings, {
    args: { takeOver: false },
    change: { log },
  })
  expect(result).toMatchObject({ madePassword: false })
  expect(logged).toEqual([expect.stringMatching(/^warn: .*config/)])
})

test('a repository that the password does not open fails the claim', async () => {
  const { settings, storeDir, store } = await given.app('shop').proc('web').volume('/data/db').plugins()
  await (await store.ownRepository())[Symbol.asyncDispose]()
  writeFileSync(join(storeDir, '.repository-password'), 'another')
  const claim = runPlugin(storeClaimPlugin, settings, { args: { takeOver: false } })
  await expect(claim).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
})
