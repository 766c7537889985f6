import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PauseSwitch } from '../../../../src/engine/pause-switch.ts'
import { PAUSED, type Progress } from '../../../../src/wire/record.ts'
import { drillWorld } from '../../../support/drill-world.ts'
import { canMount } from '../../../support/tmpfs.ts'

test.skipIf(!canMount).each(['full', 'increment'] as const)(
  'a drill of a backup of mode %s gives way, and proves it afterwards',
  async (mode) => {
    const { drill, drillDir } = await drillWorld(mode)
    const pausing = new PauseSwitch()
    const phases: string[] = []
    const progress = ({ phase }: Partial<Progress>) => {
      if (!phase || phases.at(-1) === phase) return
      phases.push(phase)
      if (phase === 'unpack' && !phases.includes(PAUSED)) pausing.set(true)
      if (phase === PAUSED) setImmediate(() => pausing.set(false))
    }
    const ended = await drill({}, {}, { pausing, progress })
    expect(ended).toMatchObject({ state: 'success', result: { drill: { different: 0 } } })
    expect(phases.filter((phase) => phase === PAUSED)).toHaveLength(1)
    expect(readdirSync(drillDir)).toEqual(['foreign'])
  },
)

test.skipIf(!canMount)('a drill of an increment that has to give way for ever ends', async () => {
  const { drill, drillDir } = await drillWorld('increment')
  const pausing = new PauseSwitch()
  const progress = ({ phase }: Partial<Progress>) => {
    if (phase === 'unpack') pausing.set(true)
    if (phase === PAUSED) setImmediate(() => pausing.set(false))
  }
  await expect(drill({}, {}, { pausing, progress })).rejects.toMatchObject({
    code: 'TIMED_OUT',
    message: expect.stringContaining('give way'),
  })
  expect(readdirSync(drillDir)).toEqual(['foreign'])
})
