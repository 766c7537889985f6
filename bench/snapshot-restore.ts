import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RUNNER_ARGV } from '../src/engine/runner.ts'
import { mixedTree } from './mixed-tree.ts'

/**
 * Restores a snapshot of a mixed tree into an empty folder, by us and by restic, out of one repository that restic made,
 * both until all is on the disk, in turns. `--mib` and `--files` choose the tree, `--folder` where to restore, `--only
 * ours` measures memory alone.
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
const passwordFile = `${tree.path}.restic-password`
/**
 * One folder in it for each run, all removed at the end: ext4 searches past inodes that were freed a minute ago, which
 * makes every file that follows a removal slow to create.
 */
const targets = `${values.folder ?? tree.path}.restored`
let target = ''
/** As the daemon starts its runners. */
const NODE = [process.execPath, ...RUNNER_ARGV] as const

const contestants: Record<string, () => number> = { ours: runOurs, restic: runRestic }
const names = values.only ? [values.only] : Object.keys(contestants)
const seconds = new Map<string, number[]>(names.map((name) => [name, []]))
makeRepository()
rmSync(targets, { recursive: true, force: true })
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const name of names) {
    newTarget(`${round}-${name}`)
    const start = performance.now()
    const peakMiB = contestants[name]?.() ?? 0
    const took = (performance.now() - start) / 1000
    seconds.get(name)?.push(took)
    console.log(
      `round ${round}  ${name.padEnd(6)} ${took.toFixed(1)} s${peakMiB ? `, peak ${peakMiB} MiB` : ''}`,
    )
  }
}
rmSync(targets, { recursive: true, force: true })
printMedians()

function restic(...args: string[]): void {
  execFileSync('restic', ['-q', '-r', repository, '--password-file', passwordFile, '--no-cache', ...args])
}

function makeRepository(): void {
  if (existsSync(`${repository}.made`)) return
  rmSync(repository, { recursive: true, force: true })
  writeFileSync(passwordFile, 'benchmark')
  restic('init')
  restic('backup', tree.path)
  writeFileSync(`${repository}.made`, '')
}

function newTarget(name: string): void {
  target = `${targets}/${name}`
  mkdirSync(target, { recursive: true })
  execFileSync('sync')
}

function runOurs(): number {
  const [node, ...flags] = NODE
  const child = fileURLToPath(new URL('./snapshot-restore-child.ts', import.meta.url))
  const args = [...flags, child, repository, passwordFile, target]
  const printed = JSON.parse(execFileSync(node, args, { encoding: 'utf8' }))
  if (printed.files !== tree.files || printed.warnings > 0)
    throw new Error(`not all came back: ${JSON.stringify(printed)}`)
  return printed.peakMiB
}

function runRestic(): number {
  restic('restore', 'latest', '--target', target)
  execFileSync('sync')
  return 0
}

function printMedians(): void {
  console.log(`median   ${tree.path}: ${values.mib} MiB, ${values.files} files`)
  for (const name of names) console.log(`         ${name.padEnd(6)} ${median(name).toFixed(1)} s`)
  if (values.only) return
  const ratio = median('ours') / median('restic')
  console.log(
    `ours / restic: ${ratio.toFixed(2)} of the time (at most 1.00: ${ratio <= 1 ? 'reached' : 'MISSED'})`,
  )
}

function median(name: string): number {
  const sorted = (seconds.get(name) ?? []).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
