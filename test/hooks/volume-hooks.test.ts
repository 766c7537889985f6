import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { hookJournalFile } from '../../src/hooks/hook-journal.ts'
import { type HookPlace, PlaceUnavailable } from '../../src/hooks/hook-place.ts'
import { VolumeHooks } from '../../src/hooks/volume-hooks.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ridOf } from '../support/catalog-samples.ts'
import { temporaryDir } from '../support/daemon-kit.ts'

const RID = ridOf(1)
const ENDED = { how: 'exited', exitCode: 0, stdout: '', stderr: '' } as const

/** Containers of an engine that may not answer. */
function makePlace(container: string, calls: string[], engine: { answers: boolean }): HookPlace {
  const use = () => {
    if (!engine.answers) throw new PlaceUnavailable('the engine does not answer')
  }
  return {
    container,
    check: async () => undefined,
    async run({ hook }, begun) {
      use()
      await begun({ exec: container })
      calls.push(`${hook.word} ${container}`)
      // It begins, and then nobody knows how it goes on.
      if (hook.word === 'pre_run' && container === 'hung') engine.answers = false
      use()
      return ENDED
    },
    async resume() {
      use()
      return undefined
    },
  }
}

test('a container whose engine hangs in pre_run keeps no other one from its post_run', async () => {
  const dir = temporaryDir()
  onTestFinished(() => dir[Symbol.dispose]())
  const calls: string[] = []
  const hung = { answers: true }
  const places = [makePlace('fine', calls, { answers: true }), makePlace('hung', calls, hung)]
  const hook = { command: ['x.sh'], limitSeconds: 60, policy: 'fail' as const }
  const hooks = new VolumeHooks(
    {
      format: 1,
      rid: RID,
      volume: '/v',
      env: {},
      hooks: [
        { ...hook, word: 'pre_run' },
        { ...hook, word: 'post_run' },
      ],
      state: 'running',
      begun: [],
      calls: [],
    },
    { clock: systemClock, alive() {}, dataDir: dir.path, places, onEnd() {}, onUnsaved() {} },
  )
  await expect(hooks.begin('backup')).rejects.toThrow('the engine does not answer')
  expect(await hooks.finish('failed')).toEqual(['the engine does not answer'])
  expect(calls).toEqual(['pre_run fine', 'pre_run hung', 'post_run fine'])
  expect(existsSync(hookJournalFile(dir.path, RID))).toBe(true)

  hung.answers = true
  expect(await hooks.finish('failed')).toEqual([])
  expect(calls.slice(3)).toEqual(['post_run hung'])
  expect(existsSync(hookJournalFile(dir.path, RID))).toBe(false)
})
