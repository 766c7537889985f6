import { spawnSync } from 'node:child_process'
import { test } from 'vitest'

const NO_PROMTOOL = 'promtool is not installed (Debian: apt install prometheus)'

/** Why promtool cannot be used here; undefined if it can. */
export const noPromtool = spawnSync('promtool', ['--version']).status === 0 ? undefined : NO_PROMTOOL

/** A test that needs promtool, Prometheus's own judge; skipped, with the reason, if it is not installed. */
export function testWithPromtool(name: string, body: () => void | Promise<void>): void {
  if (noPromtool === undefined) test(name, body)
  else test(name, ({ skip }) => skip(noPromtool))
}

/** What promtool says, with its exit code. */
export function runPromtool(args: string[], input = ''): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
