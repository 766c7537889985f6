import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { JobOptions } from '../../src/wire/job.ts'
import type { RunRecord } from '../../src/wire/record.ts'
import type { StartedDaemon } from './daemon-start.ts'
import { backupArgs } from './plugin-args.ts'

type Args = Partial<Omit<ReturnType<typeof backupArgs>, 'containers'>> & { containers?: string[] }

/** Starts a backup of a small volume and returns its rid. */
export async function requestBackupWithHooks(
  daemon: StartedDaemon,
  args: Args,
  options: JobOptions = {},
): Promise<string> {
  const path = join(daemon.dir, 'volumes/db')
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'file'), 'content')
  const job = { id: 'j1', spec: '0 6 * * *', action: 'backup', type: 'cron', sleep: false, options }
  const data = JSON.stringify([{ ...job, args: { ...backupArgs(path), ...args } }])
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data, version: JSON.stringify([args, options]) } })
  const isReady = async () => (await daemon.ask('GET', '/api/v1/debug')).body
  await expect.poll(isReady, { timeout: 30_000 }).toMatchObject({ crond_status: 'started' })
  const { body } = await daemon.ask('POST', '/api/v1/cron/once/j1')
  return (body as { rid: string }).rid
}

/** Backs up a small volume with these hooks and returns the record. */
export async function backUpWithHooks(
  daemon: StartedDaemon,
  args: Args,
  options?: JobOptions,
): Promise<RunRecord> {
  return await daemon.ended(await requestBackupWithHooks(daemon, args, options))
}
