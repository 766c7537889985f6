import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setEnvironmentOfChildren } from '../src/cli/environment.ts'
import { RUNNER_ARGV } from '../src/engine/runner.ts'

setEnvironmentOfChildren()

/** Runs a file of this folder like the daemon starts its runners; returns its output. */
export function asRunner(file: string, ...args: string[]): string {
  const child = fileURLToPath(new URL(file, import.meta.url))
  const flags = [...RUNNER_ARGV, '--disable-warning=ExperimentalWarning']
  return execFileSync(process.execPath, [...flags, child, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
