import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunContext } from '../../../../src/engine/plugin.ts'
import { deleteStoredBackups } from '../../../../src/store/delete-backups.ts'
import { expireBackups } from '../../../../src/store/expire-backups.ts'
import { deleteSeriesSnapshots } from '../../../../src/store/kinds/series/delete-snapshots.ts'
import { makeExpireRun } from '../../../support/expire-run.ts'
import { given } from '../../../support/given.ts'
import { putSnapshots, sampleSnapshot } from '../../../support/snapshot-samples.ts'
import { ARCHIVE, IP, SOURCE, T0 } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const DAY = 86_400
const CONFLICT = { code: 'CONFLICT', message: expect.stringContaining('daemon-b') }
const signal = new AbortController().signal
const makeReader = () => ({ dataDir: tempDir(), signal, warn: () => {} })

/** An old and a new snapshot in a namespace that another daemon took over. */
async function takenWorld() {
  const { dir, store, clock, snapshots } = await given.withSnapshots(1).store()
  const old = await putSnapshots(store, sampleSnapshot({}, T0 - 20 * DAY))
  const ids = [...snapshots, ...old].sort()
  await given.owner('daemon-b').store({ dir, takeOver: true })
  const left = () => readdirSync(join(dir, IP, 'repo/snapshots')).sort()
  return { store, clock, ids, old, left }
}

test('no series of a namespace that another daemon took is deleted', async () => {
  const { store, ids, left } = await takenWorld()
  await expect(deleteStoredBackups({ store, ip: IP }, [ARCHIVE], makeReader())).rejects.toMatchObject(
    CONFLICT,
  )
  expect(left()).toEqual(ids)
})

test('no snapshot of a namespace that another daemon took is deleted', async () => {
  const { store, ids, old, left } = await takenWorld()
  const wanted = { name: ARCHIVE, snapshots: old }
  await expect(deleteSeriesSnapshots({ store, ip: IP }, wanted, makeReader())).rejects.toMatchObject(CONFLICT)
  expect(left()).toEqual(ids)
})

test('nothing of a namespace that another daemon took expires, and the problem names that daemon', async () => {
  const { store, clock, ids, left } = await takenWorld()
  const { run, problems } = makeExpireRun({ now: clock.now })
  const expiry = expireBackups(store, [{ source: SOURCE, mode: 'increment', expire: '7d' }], run)
  const said = await expiry.then(
    () => problems.join(),
    (error: Error) => error.message,
  )
  expect(said).toContain('daemon-b')
  expect(left()).toEqual(ids)
})

test('no increments are begun in a namespace that another daemon took', async () => {
  const { dir, store } = await given.store()
  await store.preparePassword()
  await given.owner('daemon-b').store({ dir, takeOver: true })
  await expect(store.ownRepository()).rejects.toMatchObject(CONFLICT)
  expect(existsSync(join(dir, IP, 'repo'))).toBe(false)
})

test.each([
  ['before its run begins, which stores nothing', true],
  ['while its run reads the volume', false],
])('no snapshot is published in a namespace that another daemon took %s', async (_when, isBefore) => {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const { backUp, volume, storeDir, settings } = world
  writeFileSync(join(volume, 'file'), 'first')
  await backUp({ mode: 'increment' })
  const namespace = join(storeDir, settings.ip)
  const takeOver = () => {
    const file = join(namespace, '.owner')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), daemonId: 'daemon-b' }))
  }
  const list = (folder: string) => readdirSync(join(namespace, 'repo', folder), { recursive: true }).sort()
  const before = [list('snapshots'), list('data')]
  const warnings: string[] = []
  writeFileSync(join(volume, 'file'), 'second')
  if (isBefore) takeOver()
  const progress: RunContext['progress'] = ({ phase }) => {
    if (phase === 'publish') takeOver()
  }
  const warn: RunContext['warn'] = (message) => void warnings.push(message)
  await expect(backUp({ mode: 'increment' }, { progress, warn })).rejects.toMatchObject(CONFLICT)
  expect(warnings).toEqual([])
  expect(list('snapshots')).toEqual(before[0])
  if (isBefore) expect(list('data')).toEqual(before[1])
})
