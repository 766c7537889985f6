import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { succeedsSync, tolerateSync } from '../lib/tolerate.ts'

/**
 * A lock without flock: a file with the id and start time of its process, created atomically.
 * @returns undefined if a running process holds it
 */
export function acquirePidFile(file: string): { release(): void } | undefined {
  const own = beside(file, 'new')
  writeFileSync(own, `${process.pid} ${readStartTime(process.pid)}\n`, { mode: 0o600 })
  try {
    if (!tryLink(own, file)) {
      removeIfDead(file)
      if (!tryLink(own, file)) return undefined
    }
    return { release: () => unlinkSync(file) }
  } finally {
    unlinkSync(own)
  }
}

function beside(file: string, what: string): string {
  return join(dirname(file), `.${what}-${process.pid}-${basename(file)}`)
}

function tryLink(from: string, to: string): boolean {
  return succeedsSync(['EEXIST'], () => linkSync(from, to))
}

/** Removes the file of a dead holder. If another process has acquired the lock meanwhile, puts its file back. */
function removeIfDead(file: string): void {
  if (isAlive(readIfExists(file))) return
  const aside = beside(file, 'dead')
  if (!succeedsSync(['ENOENT'], () => renameSync(file, aside))) return
  if (isAlive(readIfExists(aside))) tryLink(aside, file)
  unlinkSync(aside)
}

function isAlive(holder: string | undefined): boolean {
  const [pid = '', start = ''] = holder?.trim().split(' ') ?? []
  return pid !== '' && readStartTime(Number(pid)) === start
}

/** Start time of a process in kernel ticks; `?` if it runs but the time is unknown, empty if it does not run. */
function readStartTime(pid: number): string {
  const stat = readIfExists(`/proc/${pid}/stat`)
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
  if (readIfExists('/proc/self/stat') !== undefined) return ''
  try {
    process.kill(pid, 0)
    return '?'
  } catch {
    return ''
  }
}

function readIfExists(file: string): string | undefined {
  return tolerateSync(['ENOENT', 'ESRCH'], () => readFileSync(file, 'utf8'))
}
