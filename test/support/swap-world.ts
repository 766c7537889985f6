import { lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { holdRealPath } from '../../src/volume/held-volume.ts'
import { fillOld } from './swap-content.ts'
import { describeTree } from './tree-compare.ts'

export const RID = `1795423489${'a'.repeat(32)}`

/** A folder of this test's own, gone at its end: `data` for the daemon, `volumes/db` for the volume. */
export function makeSwapWorld() {
  const base = mkdtempSync(join(tmpdir(), 'backupd-swap-'))
  onTestFinished(() => rm(base, { recursive: true, force: true }))
  const dataDir = join(base, 'data')
  const volume = join(base, 'volumes', 'db')
  mkdirSync(dataDir)
  mkdirSync(volume, { recursive: true })
  fillOld(volume)
  return { base, dataDir, volume, parent: join(base, 'volumes') }
}

/** A volume that is held until the test ends, whether it exists or not. */
export function heldVolume(path: string) {
  const held = holdRealPath(path)
  onTestFinished(() => held[Symbol.dispose]())
  return held
}

/** What is in a folder, down to the last time and inode number of the folder itself. */
export function contentOf(folder: string) {
  return { inode: lstatSync(folder).ino, tree: Object.fromEntries(describeTree(folder)) }
}
