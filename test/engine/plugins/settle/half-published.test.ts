import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settlePlugin } from '../../../../src/engine/plugins/settle/plugin.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

test('the first run of a restarted daemon publishes a backup whose archive had its name', async () => {
  const shop = given.app('shop').proc('web').volume('/data/db').files({ a: '1' })
  const { settings, store, storeDir, objects, backups } = await shop.withBackups(1).plugins()
  const [name] = backups
  const whole = objects()
  const rid = (await store.find(SERVER, name))?.info.rid
  const at = (file: string) => join(storeDir, SERVER, file)
  renameSync(at(`${name}.manifest.json`), at(`${name}.manifest.json.part-${rid}`))
  rmSync(at('.meta'))
  const { state, result } = await runPlugin(settlePlugin, settings, { args: {} })
  expect(state).toBe('success')
  expect(result).toMatchObject({ rolledForward: [name], swept: [], unknown: [] })
  expect(objects()).toEqual(whole)
})
