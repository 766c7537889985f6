import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { mixedTree } from './mixed-tree.ts'
import { backUp, openBenchStore } from './verify-store.ts'

/**
 * Verifies backups of a mixed tree: a full backup beside `gzip -t` and `sha256sum`, an increment beside
 * `restic check --read-data` on the same repository. In turns, in one run. `--mib` and `--files` choose the tree.
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    files: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
  },
})
const tree = mixedTree({ mib: Number(values.mib), files: Number(values.files) })
const storeDir = `${tree.path}.verify-store`
const dataDir = `${tree.path}.verify-data`
const { archive, series } = await makeBackups()
const namespace = join(storeDir, '127.0.0.1')
const peaks: number[] = []
const child = await bundleAside('bench/verify-child.ts')

compare('a full backup', { ours: () => runOurs(archive), other: runGzip, named: 'gzip -t and sha256sum' }, 1)
compare(
  'an increment',
  { ours: () => runOurs(series), other: runRestic, named: 'restic check --read-data' },
  0.8,
)
console.log(`our peak memory: ${Math.max(...peaks)} MiB`)

interface Contest {
  ours(): void
  other(): void
  named: string
}

/** Prints the shortest times of both, which are the least disturbed, and their ratio. */
function compare(what: string, { ours, other, named }: Contest, target: number): void {
  const times = { ours: [] as number[], other: [] as number[] }
  for (let round = 0; round < Number(values.rounds); round++) {
    times.ours.push(secondsOf(ours))
    times.other.push(secondsOf(other))
  }
  const [a, b] = [Math.min(...times.ours), Math.min(...times.other)]
  console.log(`${what} of ${tree.path}`)
  console.log(
    `  ours ${a.toFixed(2)} s, ${named} ${b.toFixed(2)} s: ${(a / b).toFixed(2)} (target ${target})`,
  )
}

function secondsOf(act: () => void): number {
  const start = performance.now()
  act()
  return (performance.now() - start) / 1000
}

function runOurs(name: string): void {
  const printed = JSON.parse(asRunner(child, storeDir, dataDir, name))
  if (printed.outcome !== 'verified') throw new Error(`${name} is ${printed.outcome}`)
  peaks.push(printed.peakMiB)
}

function runGzip(): void {
  const file = join(namespace, archive)
  execFileSync('gzip', ['-t', file])
  execFileSync('sha256sum', [file])
}

function runRestic(): void {
  const password = join(storeDir, '.repository-password')
  const args = [
    '-r',
    join(namespace, 'repo'),
    '--password-file',
    password,
    '--no-cache',
    'check',
    '--read-data',
  ]
  execFileSync('restic', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function makeBackups(): Promise<{ archive: string; series: string }> {
  const { store, settings } = await openBenchStore(storeDir, dataDir)
  const noted = `${storeDir}.json`
  if (existsSync(noted)) return JSON.parse(readFileSync(noted, 'utf8'))
  await store.claim(true)
  await store.preparePassword()
  const made = {
    archive: await backUp(settings, tree.path, 'full'),
    series: await backUp(settings, tree.path, 'increment'),
  }
  writeFileSync(noted, JSON.stringify(made))
  return made
}
