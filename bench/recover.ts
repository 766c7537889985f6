import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RUNNER_ARGV } from '../src/engine/runner.ts'
import { mixedTree } from './mixed-tree.ts'

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
const target = `${values.folder ?? tree.path}.recovered`
/** As the daemon starts its runners. */
const NODE = [process.execPath, ...RUNNER_ARGV] as const

const contestants: Record<string, () => number> = { ours: runOurs, tar: runTar }
const names = values.only ? [values.only] : Object.keys(contestants)
const seconds = new Map<string, number[]>(names.map((name) => [name, []]))
makeArchive()
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const name of names) {
    emptyTarget()
    const start = performance.now()
    const peakMiB = contestants[name]?.() ?? 0
    const took = (performance.now() - start) / 1000
    seconds.get(name)?.push(took)
    console.log(
      `round ${round}  ${name.padEnd(5)} ${took.toFixed(1)} s${peakMiB ? `, peak ${peakMiB} MiB` : ''}`,
    )
  }
}
rmSync(target, { recursive: true, force: true })
printMedians()

function makeArchive(): void {
  if (existsSync(`${archive}.json`)) return
  const [node, ...flags] = NODE
  const child = fileURLToPath(new URL('./full-backup-child.ts', import.meta.url))
  const summary = execFileSync(node, [...flags, child, tree.path, archive], { encoding: 'utf8' })
  writeFileSync(`${archive}.json`, summary)
}

function emptyTarget(): void {
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  execFileSync('sync')
}

function runOurs(): number {
  const [node, ...flags] = NODE
  const child = fileURLToPath(new URL('./recover-child.ts', import.meta.url))
  const printed = JSON.parse(execFileSync(node, [...flags, child, archive, target], { encoding: 'utf8' }))
  if (printed.files !== tree.files || printed.warnings > 0)
    throw new Error(`not all came back: ${JSON.stringify(printed)}`)
  return printed.peakMiB
}

function runTar(): number {
  execFileSync('tar', ['-xzf', archive, '-C', target])
  execFileSync('sync')
  return 0
}

function printMedians(): void {
  console.log(`median   ${tree.path}: ${values.mib} MiB, ${values.files} files`)
  for (const name of names) console.log(`         ${name.padEnd(5)} ${median(name).toFixed(1)} s`)
  if (values.only) return
  const ratio = median('ours') / median('tar')
  console.log(
    `ours / tar: ${ratio.toFixed(2)} of the time (at most 1.00: ${ratio <= 1 ? 'reached' : 'MISSED'})`,
  )
}

function median(name: string): number {
  const sorted = (seconds.get(name) ?? []).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
