import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Why this machine runs no hooks on the host; undefined if it does. */
export const noHostHooks = process.getuid?.() === 0 ? undefined : 'scripts of hooks must belong to root'

/** A folder for scripts of hooks, which belongs to root alone; it is removed after the test. */
export function makeHookFolder(): {
  dir: string
  write(name: string, lines: string): void
  lines(file: string): string[]
} {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-hooks-'))
  chmodSync(dir, 0o755)
  mkdirSync(join(dir, 'out'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return {
    dir,
    write(name, lines) {
      writeFileSync(join(dir, name), `#!/bin/sh\n${lines}\n`)
      chmodSync(join(dir, name), 0o755)
    },
    lines: (file) =>
      readFileSync(join(dir, 'out', file), 'utf8')
        .split('\n')
        .slice(0, -1),
  }
}
