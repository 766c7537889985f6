import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Plugin } from '../../src/engine/plugin.ts'
import { jobSchema } from '../../src/wire/job.ts'
import { enginePlugins } from '../support/engine-plugins.ts'
import { heldEngine, SUCCESS } from '../support/held-engine.ts'

/** Works on `args.path`, and settles what is left there if it is asked to. */
const passing: Plugin<{ path: string }> = {
  name: 'passing',
  parseArgs: (raw) => ({ path: String(raw.path) }),
  needs: ({ path }) => [path],
  settlesFirst: ({ passes }) => passes === true,
  run: async () => ({ state: 'success', reason: '', result: null }),
}

const plugins = [...enginePlugins, passing]
const PATH = '/srv/shop/db'

function jobsOf(...ids: string[]) {
  return ids.map((id) => jobSchema.parse({ id, spec: '@yearly', action: 'passing', args: { path: PATH } }))
}

test('a run that settles its volume first passes only the lock of an unfinished copy', async () => {
  const { engine, begun } = await heldEngine({ plugins })
  engine.lockVolume(PATH, 'an operator locked it')
  await expect(engine.runOnce('passing', { path: PATH, passes: true })).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
  })
  await expect(engine.runOnce('passing', { path: join(PATH, 'below') })).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
  })
  expect(begun).toEqual([])
})

test('a waiting run that could not be written is removed: its job can be requested again', async () => {
  const { engine, memory, nth } = await heldEngine({ plugins })
  engine.setJobs(jobsOf('a'), 'v1')
  await engine.runJob('a')
  const first = await nth(0)
  memory.broken = new Error('the disk is full')
  await expect(engine.runJob('a')).rejects.toThrow('the disk is full')
  expect(engine.running()).toHaveLength(1)
  memory.broken = undefined
  const again = await engine.runJob('a')
  expect(again.state).toBe('queued')
  first.end(SUCCESS)
  ;(await nth(1)).end(SUCCESS)
  expect(await memory.ended(again.rid)).toMatchObject({ state: 'success' })
})

test('a volume that is locked while a run waits for it is not touched', async () => {
  const { engine, memory, begun, nth } = await heldEngine({ plugins })
  engine.setJobs(jobsOf('a', 'b'), 'v1')
  await engine.runJob('a')
  const waiting = await engine.runJob('b')
  engine.lockVolume(PATH, 'an operator locked it')
  ;(await nth(0)).end(SUCCESS)
  expect(await memory.ended(waiting.rid)).toMatchObject({ state: 'failed', error: { code: 'VOLUME_LOCKED' } })
  expect(begun).toHaveLength(1)
})
