import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  hasEnded,
  makeKillableProgram,
  startBackup,
  waitForEntry,
  waitForRecord,
} from '../support/killable-program.ts'
import { ask, writeInventory } from '../support/standalone.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

/** A program takes seconds to start. */
const LONG = { timeout: 300_000 }

const DRILL = `mutation ($app: ID!, $proc: ID!, $name: ID!) { drillBackup(app: $app, proc: $proc, name: $name) { rid } }`
const PROOF = `{ backups(first: 1) { nodes { app proc name provenRestorable { by mode share } } } }`

interface Shown {
  app: string
  proc: string
  name: string
  provenRestorable: object | null
}

test.skipIf(!canMount).each(['full', 'increment'] as const)(
  'what a killed drill of a backup of mode %s left is removed by the next start',
  LONG,
  async (mode) => {
    const world = await makeKillableProgram()
    const drillDir = join(world.folder, 'scratch')
    mkdirSync(drillDir)
    onTestFinished(mountTmpfs(drillDir, 'size=200m'))
    writeFileSync(join(drillDir, 'foreign'), '')
    const inventory = join(world.folder, `${mode}.yaml`)
    const text = readFileSync(await writeInventory(world.folder), 'utf8')
    writeFileSync(inventory, text.replace('backup_full', `backup_${mode}`))
    const flags = ['--drill-dir', drillDir, '--inventory', inventory]
    let running = await world.start(flags)
    await waitForRecord(running, await startBackup(running), hasEnded)
    const readBackup = async () =>
      (await ask<{ backups: { nodes: Shown[] } }>(running.url, PROOF)).backups.nodes[0]
    const { app, proc, name } = (await readBackup()) ?? {}
    const startDrill = async () =>
      (await ask<{ drillBackup: { rid: string } }>(running.url, DRILL, { app, proc, name })).drillBackup.rid

    const rid = await startDrill()
    await waitForEntry(drillDir, (names) => names.find((one) => one.startsWith('.backupd-recover-')))
    running.program.process.kill('SIGKILL')
    await running.program.ended
    expect(readdirSync(drillDir)).toHaveLength(2)

    running = await world.start(flags)
    expect(await waitForRecord(running, rid, hasEnded)).toMatchObject({ state: 'FAILED' })
    expect(readdirSync(drillDir)).toEqual(['foreign'])

    expect(await waitForRecord(running, await startDrill(), hasEnded)).toMatchObject({ state: 'SUCCESS' })
    expect(readdirSync(drillDir)).toEqual(['foreign'])
    expect(await readBackup()).toMatchObject({ provenRestorable: { by: 'DRILL', mode: 'FULL', share: 1 } })
  },
)
