import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RUNNER_ARGV, RUNNER_ENV } from '../src/engine/runner.ts'

/** Runs a file of this folder as the daemon starts its runners; gives what it prints. */
export function asRunner(file: string, ...args: string[]): string {
  const child = fileURLToPath(new URL(file, import.meta.url))
  const flags = [...RUNNER_ARGV, '--disable-warning=ExperimentalWarning']
  return execFileSync(process.execPath, [...flags, child, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...RUNNER_ENV },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
