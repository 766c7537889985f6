import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { mixedTree } from './mixed-tree.ts'
import { PASSWORD } from './password.ts'
import { restoreInTurns } from './restore-in-turns.ts'

/**
 * Restores a snapshot of a mixed tree into an empty folder, by us and by restic, out of one repository that restic
 * made, both until all is on the disk, in turns. `--mib` and `--files` choose the tree, `--folder` where to restore,
 * `--only ours` measures memory alone.
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
const repository = `${tree.path}.restic`
const child = await bundleAside('bench/snapshot-restore-child.ts')
const passwordFile = `${tree.path}.restic-password`

makeRepository()
restoreInTurns({
  what: `${tree.path}: ${values.mib} MiB, ${values.files} files`,
  folder: `${values.folder ?? tree.path}.restored`,
  rounds: Number(values.rounds),
  other: values.only ? null : 'restic',
  contestants: { ours: runOurs, restic: runRestic },
})

function restic(...args: string[]): void {
  execFileSync('restic', ['-q', '-r', repository, '--password-file', passwordFile, '--no-cache', ...args])
}

function makeRepository(): void {
  if (existsSync(`${repository}.made`)) return
  rmSync(repository, { recursive: true, force: true })
  writeFileSync(passwordFile, PASSWORD)
  restic('init')
  restic('backup', tree.path)
  writeFileSync(`${repository}.made`, '')
}

function runOurs(target: string): number {
  const printed = JSON.parse(asRunner(child, dirname(repository), passwordFile, target, basename(repository)))
  if (printed.files !== tree.files || printed.warnings > 0)
    throw new Error(`not all came back: ${JSON.stringify(printed)}`)
  return printed.peakMiB
}

function runRestic(target: string): number {
  restic('restore', 'latest', '--target', target)
  execFileSync('sync')
  return 0
}
