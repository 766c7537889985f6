import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { expireBackups } from '../../../../src/store/expire-backups.ts'
import type { ExpireRule } from '../../../../src/store/expiry.ts'
import { noteDamagedPacks } from '../../../../src/store/kinds/series/damage-note.ts'
import { readPruneNote } from '../../../../src/store/kinds/series/prune-note.ts'
import { makeExpireRun } from '../../../support/expire-run.ts'
import { faultyLocal } from '../../../support/faulty-local.ts'
import { given } from '../../../support/given.ts'
import { putSnapshots, sampleSnapshot } from '../../../support/snapshot-samples.ts'
import { SOURCE, T0 } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'
import type { WholeStore } from '../../../support/whole-store.ts'

const DAY = 86_400

function ruleFor(source: string, expire: string): ExpireRule[] {
  return [{ source, mode: 'increment', expire }]
}

async function lockAsAnother(store: WholeStore): Promise<void> {
  await using repository = await store.ownRepository()
  const lock = { time: '2026-11-23T09:00:00Z', hostname: 'far', username: 'ann', pid: 7 }
  await repository.saveUnpacked('locks', Buffer.from(JSON.stringify(lock)))
}

test('a run that a lock delays names the holder after an hour', async () => {
  const { store, clock } = await given.store()
  await store.preparePassword()
  const expire = async () => {
    const { run, problems } = makeExpireRun({ now: clock.now })
    await expireBackups(store, ruleFor(SOURCE, '7d'), run)
    return problems.join('; ')
  }
  await putSnapshots(store, sampleSnapshot({}, T0))
  expect(await expire()).toBe('')
  await putSnapshots(store, sampleSnapshot({}, T0 - 20 * DAY))
  await lockAsAnother(store)
  clock.set(T0 + 60 * 60)
  expect(await expire()).toBe('')
  clock.set(T0 + 75 * 60)
  expect(await expire()).toMatch(/neither expired nor pruned.*the process 7 of ann on far/)
})

test('a prune that a lock delays leaves no record', async () => {
  const { settings, store, volume, backUp } = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(volume, 'file'), 'content')
  await backUp({ mode: 'increment' })
  let announced = 0
  const expireIn = async (days: number) => {
    const now = () => Date.now() + days * DAY * 1000
    const { run, problems } = makeExpireRun({ settings, now, announce: async () => void announced++ })
    await expireBackups(store, ruleFor(volume, '30d'), run)
    return problems.join('; ')
  }
  await expireIn(0)
  await lockAsAnother(store)
  expect(await expireIn(8)).toContain('the process 7 of ann on far')
  expect(announced).toBe(0)
})

test('packs that are known to be damaged are pruned as soon as nothing needs them, once a day', async () => {
  const { settings, store, volume, backUp } = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(volume, 'file'), 'content')
  await backUp({ mode: 'increment' })
  const expireIn = async (days: number) => {
    const { run } = makeExpireRun({ settings, now: () => Date.now() + days * DAY * 1000 })
    await expireBackups(store, ruleFor(volume, '30d'), run)
    return (await readPruneNote({ store, ip: settings.ip })).prunedAt
  }
  const first = await expireIn(0)
  expect(await expireIn(1.1)).toBe(first)
  {
    await using repository = await store.ownRepository()
    repository.distrust(['a'.repeat(64)])
    await noteDamagedPacks({ store, ip: settings.ip, repository, nowMs: Date.now() })
  }
  const prunedAt = await expireIn(1.2)
  expect(prunedAt).toBeGreaterThan(first)
  expect(await expireIn(1.5)).toBe(prunedAt)
})

test('a repository that cannot be opened is reported at once, unlike one that is locked', async () => {
  const { store, dir, clock } = await given.withSnapshots(1).store()
  writeFileSync(join(dir, '.repository-password'), 'another')
  const { run, problems } = makeExpireRun({ now: clock.now })
  await expireBackups(store, ruleFor(SOURCE, '7d'), run)
  expect(problems).toEqual([expect.stringMatching(/^(?!.*neither expired).*password/)])
})

test('a note that could not be written is reported, unless the store is full', async () => {
  for (const [code, expected] of [
    ['STORE_FULL', []],
    ['STORE_UNAVAILABLE', [expect.stringContaining('no note')]],
  ] as const) {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store, clock } = await given.withSnapshots(1).store({ dir, driver })
    const { run, problems } = makeExpireRun({ now: clock.now })
    driver.fail('replace').times(9).with(new BackupdError(code, 'no note'))
    await expireBackups(store, ruleFor(SOURCE, '7d'), run)
    expect(problems, code).toEqual(expected)
  }
})
