import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Whether this user may mount here; tests that must, skip otherwise. */
export const canMount = tryMount()

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

/** A file system of its own in memory; unmounted (lazily) by the function given back, which may be called twice. */
export function mountTmpfs(folder: string, options = 'size=8m'): () => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'backupd-test', folder])
  let mounted = true
  return () => {
    if (mounted) execFileSync('umount', ['-l', folder])
    mounted = false
  }
}

/** Shows `source` at the directory `folder` too, on the same device; unmounted by the function given back. */
export function bindMount(source: string, folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['--bind', source, folder])
  let mounted = true
  return () => {
    if (mounted) execFileSync('umount', ['-l', folder])
    mounted = false
  }
}
