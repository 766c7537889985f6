import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  hasEnded,
  makeKillableProgram,
  startBackup,
  startRecover,
  waitForEntry,
  waitForRecord,
} from '../support/killable-program.ts'
import { compareTrees } from '../support/tree-compare.ts'

/** A program takes seconds to start. */
const LONG = { timeout: 300_000 }

test(
  'what a killed recover into a new folder left is removed by the next start, and it can be repeated',
  LONG,
  async () => {
    const world = await makeKillableProgram()
    const restored = join(world.folder, 'restored')
    mkdirSync(restored)
    const flags = ['--recover-dir', restored]
    let running = await world.start(flags)
    const { result } = await waitForRecord(running, await startBackup(running), hasEnded)
    const to = { toDirectory: join(restored, 'db') }

    const rid = await startRecover(running, result?.file ?? '', to)
    await waitForEntry(restored, (names) => names.find((name) => name.startsWith('.backupd-recover-')))
    running.program.process.kill('SIGKILL')
    await running.program.ended
    expect(readdirSync(restored)).toEqual([`.backupd-recover-${rid}`])

    running = await world.start(flags)
    expect(await waitForRecord(running, rid, hasEnded)).toMatchObject({
      state: 'FAILED',
      error: { code: 'DAEMON_RESTARTED' },
    })
    expect(readdirSync(restored)).toEqual([])
    expect(world.leftOvers()).toEqual([])

    // This time only the process that restores it is killed.
    const second = await startRecover(running, result?.file ?? '', to)
    await waitForEntry(restored, (names) => names.find((name) => name.startsWith('.backupd-recover-')))
    process.kill(world.runnerOf(second), 'SIGKILL')
    expect(await waitForRecord(running, second, hasEnded)).toMatchObject({ state: 'FAILED' })

    const third = await startRecover(running, result?.file ?? '', to)
    expect(await waitForRecord(running, third, hasEnded)).toMatchObject({ state: 'SUCCESS' })
    expect(readdirSync(restored)).toEqual(['db'])
    expect(compareTrees(world.volume, to.toDirectory)).toEqual([])
  },
)
