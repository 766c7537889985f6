import { spawn } from 'node:child_process'
import { openSync, rmSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAside } from '../scripts/bundle.ts'
import { asRunner } from './as-runner.ts'
import { mixedTree } from './mixed-tree.ts'

/**
 * Full backup of a mixed tree (half text, half that does not compress) by us, by `tar -Szcf` and by `tar | pigz -p2`,
 * one after the other, round by round. `--mib 10240` and `--files 500000` choose the tree, `--only ours` measures
 * memory alone.
 */
const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    files: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
})
const tree = mixedTree({ mib: Number(values.mib), files: Number(values.files) })
const folder = dirname(tree.path)
const archive = (name: string) => `${folder}/full-backup-${name}.tar.gz`

const child = await bundleAside('bench/full-backup-child.ts')

interface Outcome {
  seconds: number
  mib: number
  peakMiB: number
}

const contestants: Record<string, () => Promise<Outcome>> = { ours: runOurs, tar: runTar, pigz: runPigz }
const names = values.only ? [values.only] : Object.keys(contestants)
const rounds = new Map<string, Outcome[]>(names.map((name) => [name, []]))
for (let round = 1; round <= Number(values.rounds); round++) {
  for (const name of names) {
    const outcome = await contestants[name]?.()
    if (!outcome) continue
    rounds.get(name)?.push(outcome)
    console.log(`round ${round}  ${name.padEnd(5)} ${describe(outcome)}`)
  }
}
console.log(`median   ${tree.path}: ${values.mib} MiB, ${values.files} files`)
for (const name of names) console.log(`         ${name.padEnd(5)} ${describe(medianOf(name))}`)
if (!values.only) {
  printRatio('tar', 0.35)
  printRatio('pigz', 0.75)
}

function printRatio(other: string, target: number): void {
  const ours = medianOf('ours')
  const theirs = medianOf(other)
  const ratio = ours.seconds / theirs.seconds
  const size = ours.mib <= theirs.mib ? 'no larger' : 'LARGER'
  const verdict = ratio <= target ? 'reached' : 'MISSED'
  console.log(
    `ours / ${other}: ${ratio.toFixed(2)} of the time (at most ${target}: ${verdict}), archive ${size}`,
  )
}

function describe({ seconds, mib, peakMiB }: Outcome): string {
  const memory = peakMiB > 0 ? `, peak ${peakMiB} MiB` : ''
  return `${seconds.toFixed(1)} s, archive ${mib.toFixed(1)} MiB${memory}`
}

function medianOf(name: string): Outcome {
  const sorted = (rounds.get(name) ?? []).toSorted((a, b) => a.seconds - b.seconds)
  const median = sorted[Math.floor(sorted.length / 2)]
  if (!median) throw new Error(`nothing was measured for ${name}`)
  return median
}

async function runOurs(): Promise<Outcome> {
  let printed = ''
  const outcome = await timed('ours', async (file) => {
    printed = asRunner(child, tree.path, file)
  })
  return { ...outcome, peakMiB: JSON.parse(printed).peakMiB }
}

function runTar(): Promise<Outcome> {
  return timed('tar', async (file) => {
    await run('tar', ['-Szcf', file, '-C', folder, basename(tree.path)])
    await run('sync', [file])
  })
}

function runPigz(): Promise<Outcome> {
  return timed('pigz', async (file) => {
    const tar = spawn('tar', ['cf', '-', '-C', folder, basename(tree.path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pigz = spawn('pigz', ['-p2'], { stdio: [tar.stdout, openSync(file, 'w'), 'inherit'] })
    tar.stdout.destroy()
    await Promise.all([ended(tar, 'tar'), ended(pigz, 'pigz')])
    await run('sync', [file])
  })
}

async function timed(name: string, work: (file: string) => Promise<void>): Promise<Outcome> {
  const file = archive(name)
  rmSync(file, { force: true })
  const start = performance.now()
  await work(file)
  const seconds = (performance.now() - start) / 1000
  const mib = statSync(file).size / 2 ** 20
  for (const left of [file, `${file}.index.gz`]) rmSync(left, { force: true })
  return { seconds, mib, peakMiB: 0 }
}

async function run(command: string, args: string[]): Promise<void> {
  await ended(spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }), command)
}

function ended(child: ReturnType<typeof spawn>, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${name} is not on this machine: install it`, { cause: error })),
    )
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))))
  })
}
