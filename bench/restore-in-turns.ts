import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'

export interface RestoreContest {
  /** What is restored, for the output. */
  what: string
  /**
   * The parent of the targets: a new folder for each run, all removed at the end. ext4 searches past inodes that were
   * freed a minute ago, so after a removal, each new file is slow to create.
   */
  folder: string
  rounds: number
  /** The program that ours is compared with; null if only ours runs. */
  other: string | null
  /** By name: restores into `target` and syncs; returns its peak memory in MiB, or 0. */
  contestants: Readonly<Record<string, (target: string) => number>>
}

/** Runs the programs in turns; prints each run, the medians and their ratio. */
export function restoreInTurns({ what, folder, rounds, other, contestants }: RestoreContest): void {
  const names = other === null ? ['ours'] : ['ours', other]
  const seconds = new Map<string, number[]>(names.map((name) => [name, []]))
  rmSync(folder, { recursive: true, force: true })
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const target = `${folder}/${round}-${name}`
      mkdirSync(target, { recursive: true })
      execFileSync('sync')
      const start = performance.now()
      const peakMiB = contestants[name]?.(target) ?? 0
      const took = (performance.now() - start) / 1000
      seconds.get(name)?.push(took)
      const peak = peakMiB ? `, peak ${peakMiB} MiB` : ''
      console.log(`round ${round}  ${name.padEnd(6)} ${took.toFixed(1)} s${peak}`)
    }
  }
  rmSync(folder, { recursive: true, force: true })
  const medians = new Map(Array.from(seconds, ([name, all]) => [name, medianOf(all)]))
  console.log(`median   ${what}`)
  for (const [name, median] of medians) console.log(`         ${name.padEnd(6)} ${median.toFixed(1)} s`)
  if (other !== null) judge(other, (medians.get('ours') ?? Number.NaN) / (medians.get(other) ?? Number.NaN))
}

function judge(other: string, ratio: number): void {
  const verdict = ratio <= 1 ? 'reached' : 'MISSED'
  console.log(`ours / ${other}: ${ratio.toFixed(2)} of the time (at most 1.00: ${verdict})`)
}

function medianOf(seconds: readonly number[]): number {
  return seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN
}
