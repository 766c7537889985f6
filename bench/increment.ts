import { execFileSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { mixedTree } from './mixed-tree.ts'
import { PASSWORD } from './password.ts'

/**
 * Snapshots by us and by restic, in turns: the first of a mixed tree, the first of many small files, one after which
 * nothing changed among these, and one after a MiB changed in a large file. `--mib`, `--files` and `--many` choose the
 * trees, `--rounds` how often.
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    files: { type: 'string', default: '20000' },
    many: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
  },
})
const OUT = fileURLToPath(new URL('./out/', import.meta.url))
const CHILD = await bundleAside('bench/increment-child.ts')
const MiB = 2 ** 20
const rounds = Number(values.rounds)

interface Contestant {
  name: string
  repository: string
  snapshot(volume: string): void
}

mkdirSync(OUT, { recursive: true })
writeFileSync(`${OUT}password`, PASSWORD)
const ours: Contestant = {
  name: 'ours',
  repository: `${OUT}increment-ours`,
  snapshot: (volume) => void asRunner(CHILD, ours.repository, volume),
}
const restic: Contestant = {
  name: 'restic',
  repository: `${OUT}increment-restic`,
  snapshot: (volume) => void runRestic('backup', '-q', volume),
}
const contestants = [ours, restic]

try {
  compareFirst({ mib: Number(values.mib), files: Number(values.files) })
  compareFirst({ mib: 256, files: Number(values.many) })
  compareUnchanged()
  compareOneMiB()
} finally {
  for (const { repository } of contestants) rmSync(repository, { recursive: true, force: true })
  rmSync(`${OUT}large`, { recursive: true, force: true })
}

function compareFirst(tree: { mib: number; files: number }): void {
  const { path } = mixedTree(tree)
  // Data that was just written is flushed again when it is read; a real volume is older than that.
  execFileSync('sync')
  const sizes: number[] = []
  const seconds = inTurns(`first backup of ${tree.mib} MiB, ${tree.files} files`, (one) => {
    startAnew(one)
    return timed(() => one.snapshot(path))
  })
  for (const one of contestants) sizes.push(sizeOf(one))
  judge('time', seconds, 0.9)
  console.log(`sizes: ${sizes.map((size) => `${size.toFixed(1)} MiB`).join(' and ')}`)
  judge('size', sizes, 1.03)
}

function compareUnchanged(): void {
  const { path } = mixedTree({ mib: 256, files: Number(values.many) })
  for (const one of contestants) {
    startAnew(one)
    one.snapshot(path)
  }
  const seconds = inTurns(`nothing changed among ${values.many} files`, (one) =>
    timed(() => one.snapshot(path)),
  )
  judge('time', seconds, 0.7)
}

function compareOneMiB(): void {
  const volume = `${OUT}large`
  rmSync(volume, { recursive: true, force: true })
  mkdirSync(volume)
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 2), Buffer.alloc(16))
  for (let n = 0; n < 256; n++) {
    writeFileSync(`${volume}/file`, cipher.update(Buffer.alloc(4 * MiB)), { flag: 'a' })
  }
  for (const one of contestants) {
    startAnew(one)
    one.snapshot(volume)
  }
  const before = contestants.map(sizeOf)
  const fd = openSync(`${volume}/file`, 'r+')
  writeSync(fd, cipher.update(Buffer.alloc(MiB)), 0, MiB, 500 * MiB + 12_345)
  closeSync(fd)
  for (const one of contestants) one.snapshot(volume)
  const added = contestants.map((one, at) => sizeOf(one) - (before[at] ?? 0))
  console.log(`one changed MiB in 1 GiB adds ${added.map((mib) => `${mib.toFixed(1)} MiB`).join(' and ')}`)
  console.log(`  ours: at most 8 MiB: ${(added[0] ?? Infinity) <= 8 ? 'reached' : 'MISSED'}`)
}

/** Measures all in turns; prints and returns the medians, ours first. */
function inTurns(what: string, measure: (one: Contestant) => number): number[] {
  console.log(what)
  const all = contestants.map((): number[] => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [at, one] of contestants.entries()) {
      const seconds = measure(one)
      all[at]?.push(seconds)
      console.log(`  round ${round}  ${one.name.padEnd(6)} ${seconds.toFixed(2)} s`)
    }
  }
  return all.map((list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN)
}

function judge(what: string, [mine = Number.NaN, theirs = Number.NaN]: number[], target: number): void {
  const ratio = mine / theirs
  const verdict = ratio <= target ? 'reached' : 'MISSED'
  console.log(`  ours / restic: ${ratio.toFixed(2)} of the ${what} (at most ${target}: ${verdict})`)
}

function startAnew({ name, repository }: Contestant): void {
  rmSync(repository, { recursive: true, force: true })
  mkdirSync(repository)
  if (name === 'restic') runRestic('init', '-q')
  else asRunner(CHILD, repository)
  execFileSync('sync')
}

function timed(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

function sizeOf({ repository }: Contestant): number {
  return Number(run('du', ['-s', '--apparent-size', '-B1', repository]).split('\t')[0]) / MiB
}

function runRestic(...args: string[]): string {
  return run('restic', ['-r', restic.repository, '--password-file', `${OUT}password`, '--no-cache', ...args])
}

function run(command: string, args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
