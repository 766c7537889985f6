import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startTestDaemon } from '../support/daemon-start.ts'
import { mountHung, noHungMounts } from '../support/hung-mount.ts'
import { backupArgs } from '../support/plugin-args.ts'

const PATIENCE = { timeout: 60_000, interval: 100 }
const title =
  'a run that is stuck in the kernel ends when it is cancelled, and its volume stays locked until it is gone'

it(title, { timeout: 120_000 }, async ({ skip }) => {
  if (noHungMounts !== undefined) skip(noHungMounts)
  await using daemon = await startTestDaemon()
  const path = join(daemon.dir, 'volumes/db')
  mkdirSync(path)
  const mount = await mountHung(path)
  const args = backupArgs(path)
  const data = JSON.stringify([{ id: 'j', spec: '@yearly', action: 'backup', args }])
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: '1' } })
  const run = () => daemon.ask('POST', '/api/v1/cron/once/j')
  const { rid } = (await run()).body as { rid: string }
  const state = async () => (await daemon.ask('GET', `/api/v1/cron/records/${rid}`)).body
  await expect.poll(state, PATIENCE).toMatchObject({ state: 'running' })
  await mount.asked
  await daemon.ask('POST', `/api/v1/cron/records/${rid}/actions/cancel`)
  await expect.poll(state, PATIENCE).toMatchObject({ state: 'cancelled' })
  expect(await run()).toMatchObject({ status: 409, code: 'VOLUME_LOCKED' })
  mount.release()
  await expect.poll(async () => (await run()).status, PATIENCE).toBe(202)
})
