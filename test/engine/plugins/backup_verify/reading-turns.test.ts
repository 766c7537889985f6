import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PauseSwitch } from '../../../../src/engine/pause-switch.ts'
import type { RunContext } from '../../../../src/engine/plugin.ts'
import { backupVerifyPlugin } from '../../../../src/engine/plugins/backup_verify/plugin.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'

const MIB = 1 << 20

/** A backup of 40 MiB: an increment has several packs. */
async function largeBackup(mode: 'full' | 'increment') {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(world.volume, 'large'), randomBytes(40 * MIB))
  const { result } = await world.backUp({ mode })
  const { name = '', proc = '' } = result.backup ?? {}
  const args = { app: 'shop', proc, backup: name, namespace: SERVER }
  return {
    verify: (change: Partial<RunContext> = {}) =>
      runPlugin(backupVerifyPlugin, world.settings, { args, change }),
  }
}

test('an increment is read as far as its run may read, and the next run goes on after that', async () => {
  const { verify } = await largeBackup('increment')
  // Two packs of 16 MiB and one of 8, two at a time: after this much, one of them is read whole.
  const first = await verify({ options: { maxReadBytes: 35 * MIB } })
  expect(first).toMatchObject({
    state: 'success',
    reason: expect.stringContaining('goes on in the next one'),
  })
  expect(first.result.backup).toBeUndefined()
  const { share = 0, bytes = 0 } = first.result.verification ?? {}
  expect(share).toBeGreaterThan(0.3)
  expect(share).toBeLessThan(1)
  const second = await verify()
  expect(second.result.verification).toMatchObject({ share: 1, problems: [] })
  expect(second.result.verification?.bytes).toBeLessThan(41 * MIB - 7 * MIB)
  expect(bytes + (second.result.verification?.bytes ?? 0)).toBeGreaterThan(40 * MIB)
  expect(second.result.backup?.verified).not.toBeNull()
})

test.each(['increment', 'full'] as const)(
  'a paused verification of the mode %s reads nothing, and goes on',
  async (mode) => {
    const { verify } = await largeBackup(mode)
    const pausing = new PauseSwitch()
    const phases: (string | undefined)[] = []
    let readWhilePaused = 0
    const ran = await verify({
      pausing,
      progress({ phase, bytesDone }) {
        if (phase !== undefined) phases.push(phase)
        if (pausing.isPaused && bytesDone !== undefined) readWhilePaused += 1
        if (phase === 'paused') setImmediate(() => pausing.set(false))
        else if (bytesDone !== undefined && bytesDone > MIB && !phases.includes('paused')) pausing.set(true)
      },
    })
    expect(phases).toContain('paused')
    expect(phases.at(-1)).toBe('verify')
    // What was being read when the pause came.
    expect(readWhilePaused).toBeLessThan(4)
    expect(ran).toMatchObject({ state: 'success', result: { verification: { share: 1, problems: [] } } })
  },
)

test('a cancelled verification ends while it is paused', async () => {
  const { verify } = await largeBackup('full')
  const pausing = new PauseSwitch()
  const aborting = new AbortController()
  pausing.set(true)
  const cancel = ({ phase }: { phase?: string }) =>
    phase === 'paused' && aborting.abort(new Error('cancelled'))
  await expect(verify({ pausing, signal: aborting.signal, progress: cancel })).rejects.toThrow('cancelled')
})
