import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { localDriver } from '../../../../src/objects/drivers/local.ts'
import type { SeriesTask } from '../../../../src/store/kinds/series/describe-snapshot.ts'
import { takeOverMirror } from '../../../../src/store/kinds/series/take-over-mirror.ts'
import { newRid } from '../../../../src/wire/ids.ts'
import { aroundCommit } from '../../../support/around-commit.ts'
import { given } from '../../../support/given.ts'
import { backupArgs } from '../../../support/plugin-args.ts'
import { recordedEntity, writeRecordedMeta } from '../../../support/recorded-store.ts'
import { NO_LOCK } from '../../../support/repository-samples.ts'
import { IP, SOURCE, T0 } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'

it('a mirror whose snapshot cannot be read back stays, with a warning', async () => {
  const dir = tempDir()
  const driver = aroundCommit(localDriver(dir), async (name, commit) => {
    await commit()
    if (name.includes('/snapshots/')) writeFileSync(join(dir, name), 'as a bad disk has it')
  })
  const { store } = await given.store({ dir, driver })
  await store.preparePassword()
  await using repository = await store.ownRepository()
  const args = backupArgs(SOURCE)
  const mirror = join(dir, IP, args.archive)
  mkdirSync(mirror)
  writeFileSync(join(mirror, 'file'), 'content')
  writeRecordedMeta(join(dir, IP), [
    recordedEntity({ mode: 'increment', name: args.archive, source: SOURCE, server: IP }),
  ])
  const warnings: string[] = []
  const run = {
    rid: newRid(T0 * 1000),
    jobId: '',
    settings: { ip: IP, dataDir: tempDir(), version: '0.1.0' },
    clock: systemClock,
    signal: new AbortController().signal,
    progress: () => {},
    warn: (message: string) => void warnings.push(message),
  }
  const task = { args, run, store, repository, lock: NO_LOCK } as unknown as SeriesTask
  expect(await takeOverMirror(task)).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('stays as it is: its snapshot cannot be read back')])
  expect(readFileSync(join(mirror, 'file'), 'utf8')).toBe('content')
  expect(await store.findMirror(IP, args.archive)).toBeDefined()
})
