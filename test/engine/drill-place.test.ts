import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { requireDrillDir } from '../../src/engine/drill-dir.ts'
import { DrillPlace } from '../../src/engine/drill-place.ts'
import { drillCheckPlugin } from '../../src/engine/plugins/drill_check/plugin.ts'
import { Problems } from '../../src/lib/problems.ts'
import { handClock } from '../support/hand-clock.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { runPlugin } from '../support/run-plugin.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

function drillPlaces() {
  const base = mkdtempSync(join(tmpdir(), 'drill-place-'))
  const [drillDir, dataDir, store] = ['scratch', 'data', 'store'].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ]
  for (const dir of [drillDir, dataDir, store]) mkdirSync(dir)
  return {
    ...{ base, drillDir, dataDir, volumeRoot: base, ip: '10.0.0.1', allowPaths: [] },
    store: { driver: 'local', dir: store } as const,
  }
}

test.skipIf(!canMount)('a directory for drills that somebody else may change is refused', async () => {
  const places = drillPlaces()
  onTestFinished(mountTmpfs(places.drillDir, 'size=1m,mode=755'))
  const refusal = (drillDir = places.drillDir) =>
    requireDrillDir({ ...places, drillDir }, []).catch((error: Error) => error.message)
  expect(await refusal()).toBe(places.drillDir)
  chmodSync(places.drillDir, 0o777)
  expect(await refusal()).toContain('can be written by other users: run "chmod go-w" on it')
  chmodSync(places.drillDir, 0o1777)
  expect(await refusal()).toBe(places.drillDir)
  chownSync(places.drillDir, 1, 1)
  expect(await refusal()).toContain('belongs to the user 1: give it to 0')
  const file = join(places.base, 'file')
  writeFileSync(file, '')
  expect(await refusal(file)).toContain('is not a directory')
  expect(await refusal(join(file, 'below'))).toContain('does not exist: create it')
})

test.skipIf(!canMount)('a directory for drills beside the store is refused', async () => {
  const places = drillPlaces()
  onTestFinished(mountTmpfs(places.store.dir, 'size=1m'))
  const drillDir = join(places.store.dir, 'scratch')
  mkdirSync(drillDir)
  await expect(requireDrillDir({ ...places, drillDir }, [])).rejects.toThrow(
    `is on the file system of "${places.store.dir}"`,
  )
})

test('what is wrong with the directory is a problem until it is right', async () => {
  let problem: string | null = 'the --drill-dir "/d" does not exist: create it'
  const problems = new Problems(handClock())
  const ask = async () => ({ problem })
  const place = new DrillPlace({ drillDir: '/d', problems, log: keepingLog(), jobs: () => [], ask })
  expect(await place.check()).toBe(false)
  expect(problems.list().map(({ text }) => text)).toEqual([`No backup is drilled: ${problem}`])
  problem = null
  expect(await place.check()).toBe(true)
  expect(problems.list()).toEqual([])
})

test('a directory for drills that does not answer is a problem', async () => {
  const problems = new Problems(handClock())
  const ask = () => Promise.reject(new Error('it took more than 9 s'))
  const place = new DrillPlace({ drillDir: '/d', problems, log: keepingLog(), jobs: () => [], ask })
  expect(await place.check()).toBe(false)
  expect(problems.list()[0]?.text).toContain('could not be looked at (it took more than 9 s)')
})

test('a missing directory for drills is named by the check', async () => {
  const { base, ...places } = drillPlaces()
  const settings = { ...places, drillDir: join(base, 'gone'), daemonId: 'one', version: 'test' }
  const { result } = await runPlugin(drillCheckPlugin, settings, { args: { jobPaths: [] } })
  expect(result).toEqual({ problem: `the --drill-dir "${settings.drillDir}" does not exist: create it` })
})
