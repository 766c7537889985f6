import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RunSettings } from '../../src/engine/plugin.ts'
import type { Outcomes } from './flip.ts'

export interface RaceOrder {
  names: readonly [string, string]
  /** See startFlipping. */
  target?: string
  rounds: number
  settings: RunSettings
  args: Readonly<Record<string, unknown>>
}

const CHILD = fileURLToPath(new URL('../programs/race-child.ts', import.meta.url))
/** A recover scans all processes twice, and a pid namespace of its own has only a few. */
const ALONE = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath]
const canBeAlone = tryAlone()

function tryAlone(): boolean {
  try {
    execFileSync('unshare', [...ALONE, '--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Recovers `rounds` times while the names are swapped, in a pid namespace of its own if the machine allows that. */
export async function raceRecovers(order: RaceOrder): Promise<Outcomes> {
  const [command, first] = canBeAlone ? ['unshare', ALONE] : [process.execPath, []]
  const { stdout } = await promisify(execFile)(command, [...first, CHILD, JSON.stringify(order)])
  return JSON.parse(stdout) as Outcomes
}
