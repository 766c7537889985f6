import { execFileSync, spawnSync } from 'node:child_process'

/** The judge of repositories: Debian's package `restic`. */
export const hasRestic = spawnSync('restic', ['version']).status === 0

/** Runs restic on a repository, and returns its output. Throws with its stderr if it fails. */
export function restic(repository: string, passwordFile: string, env: Record<string, string> = {}) {
  return (...args: string[]): string =>
    execFileSync('restic', ['-q', '-r', repository, '--password-file', passwordFile, '--no-cache', ...args], {
      encoding: 'utf8',
      maxBuffer: 1024 ** 3,
      env: { ...process.env, ...env },
    })
}
