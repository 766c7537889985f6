import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { RunContext } from '../../src/engine/plugin.ts'
import { backupDrillPlugin } from '../../src/engine/plugins/backup_recover/plugin.ts'
import { given } from './given.ts'
import { SERVER } from './plugin-args.ts'
import { runPlugin } from './run-plugin.ts'
import { mountTmpfs } from './tmpfs.ts'
import { makeNastyTree } from './tree-make.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

/** A daemon whose drills have a file system of their own, and a backup of a volume of everything a tree can have. */
export async function drillWorld(mode: 'full' | 'increment' = 'full', drillBytes = 64 << 20) {
  const world = await shop.plugins()
  const drillDir = join(world.base, 'scratch')
  mkdirSync(drillDir)
  onTestFinished(mountTmpfs(drillDir, `size=${drillBytes}`))
  writeFileSync(join(drillDir, 'foreign'), 'not ours')
  rmSync(world.volume, { recursive: true })
  makeNastyTree(world.volume)
  writeFileSync(join(world.volume, 'large'), 'x'.repeat(100_000))
  const { result } = await world.backUp({ mode })
  const backup = result.backup?.name ?? ''
  const args = { app: 'shop', proc: 'shop.web.web', backup, namespace: SERVER, jobPaths: [world.volume] }
  const drill = (settings: object = {}, more: object = {}, change: Partial<RunContext> = {}) =>
    runPlugin(
      backupDrillPlugin,
      { ...world.settings, drillDir, ...settings },
      { args: { ...args, ...more }, change },
    )
  const namespace = join(world.storeDir, SERVER)
  return { ...world, drillDir, drill, backup, snapshot: result.snapshot ?? '', namespace }
}
