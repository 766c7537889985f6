import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
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

/** A mirror of the legacy system, and the task of the run that takes it over. */
async function mirrorWorld(around: (dir: string) => Parameters<typeof aroundCommit>[1]) {
  const dir = tempDir()
  const driver = aroundCommit(localDriver(dir), around(dir))
  const { store } = await given.store({ dir, driver })
  await store.preparePassword()
  const repository = await store.ownRepository()
  onTestFinished(() => repository[Symbol.asyncDispose]())
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
  return { dir, store, mirror, args, warnings, takeOver: () => takeOverMirror(task) }
}

it('a mirror whose snapshot cannot be read back stays, with a warning', async () => {
  const { store, mirror, args, warnings, takeOver } = await mirrorWorld((dir) => async (name, commit) => {
    await commit()
    if (name.includes('/snapshots/')) writeFileSync(join(dir, name), 'as a bad disk has it')
  })
  expect(await takeOver()).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('stays as it is: its snapshot cannot be read back')])
  expect(readFileSync(join(mirror, 'file'), 'utf8')).toBe('content')
  expect(await store.findMirror(IP, args.archive)).toBeDefined()
})

it('a mirror in a namespace that another daemon takes while it is read gets no snapshot', async () => {
  const { dir, mirror, warnings, takeOver } = await mirrorWorld((folder) => async (name, commit) => {
    await commit()
    if (name.includes('/data/')) await given.owner('daemon-b').store({ dir: folder, takeOver: true })
  })
  const error = await takeOver().catch((reason: unknown) => reason)
  expect(`${error} ${warnings}`).toContain('daemon-b')
  expect(existsSync(join(dir, IP, 'repo/snapshots'))).toBe(false)
  expect(readFileSync(join(mirror, 'file'), 'utf8')).toBe('content')
})
