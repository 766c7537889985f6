import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { mixedTree } from './mixed-tree.ts'
import { restoreInTurns } from './restore-in-turns.ts'

/**
 * Recovers a full backup of a mixed tree into an empty folder, by us and by `tar -xzf`, both until all is on the disk,
 * in turns. `--mib` and `--files` choose the tree, `--folder` where to unpack, `--only ours` measures memory alone.
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    files: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    only: { type: 'string' },
  },
})
const tree = mixedTree({ mib: Number(values.mib), files: Number(values.files) })
const archive = `${tree.path}.tar.gz`
const packing = await bundleAside('bench/full-backup-child.ts')
const unpacking = await bundleAside('bench/recover-child.ts')

makeArchive()
restoreInTurns({
  what: `${tree.path}: ${values.mib} MiB, ${values.files} files`,
  folder: `${values.folder ?? tree.path}.recovered`,
  rounds: Number(values.rounds),
  other: values.only ? null : 'tar',
  contestants: { ours: runOurs, tar: runTar },
})

function makeArchive(): void {
  if (existsSync(`${archive}.json`)) return
  writeFileSync(`${archive}.json`, asRunner(packing, tree.path, archive))
}

function runOurs(target: string): number {
  const printed = JSON.parse(asRunner(unpacking, archive, target))
  if (printed.files !== tree.files || printed.warnings > 0)
    throw new Error(`not all came back: ${JSON.stringify(printed)}`)
  return printed.peakMiB
}

function runTar(target: string): number {
  execFileSync('tar', ['-xzf', archive, '-C', target])
  execFileSync('sync')
  return 0
}
