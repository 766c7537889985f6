import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errnoOf } from '../lib/errors.ts'

/**
 * A lock without flock: a file that names its process (and when that started), there whole or not at all.
 * @returns undefined where a living process has it.
 */
export function takePidFile(file: string): { release(): void } | undefined {
  const own = beside(file, 'new')
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}\n`, { mode: 0o600 })
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
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Takes a dead holder's file away; where another was quicker and took the lock meanwhile, its file goes back. */
function removeIfDead(file: string): void {
  if (isAlive(readIfThere(file))) return
  const aside = beside(file, 'dead')
  try {
    renameSync(file, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw error
  }
  if (isAlive(readIfThere(aside))) tryLink(aside, file)
  unlinkSync(aside)
}

function isAlive(holder: string | undefined): boolean {
  const [pid = '', start = ''] = holder?.trim().split(' ') ?? []
  return pid !== '' && startOf(Number(pid)) === start
}

/** When a process started, in the kernel's ticks; `?` where it runs but cannot say, empty where it does not run. */
function startOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
  if (readIfThere('/proc/self/stat') !== undefined) return ''
  try {
    process.kill(pid, 0)
    return '?'
  } catch {
    return ''
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined
    throw error
  }
}
