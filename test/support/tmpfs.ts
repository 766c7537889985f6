import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'

/** Whether this user may mount here; tests that need it are skipped otherwise. */
export const canMount = tryMount()

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' })
    return process.getuid?.() === 0
  } catch {
    return false
  }
}

/** A file system of its own in memory; the returned function unmounts it (lazily), and may be called twice. */
export function mountTmpfs(folder: string, options = 'size=8m'): () => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'backupd-test', folder])
  let mounted = true
  return () => {
    if (mounted) execFileSync('umount', ['-l', folder])
    mounted = false
  }
}

/** Shows `source` at the directory `folder` too, on the same device; the returned function unmounts it. */
export function bindMount(source: string, folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['--bind', source, folder])
  let mounted = true
  return () => {
    if (mounted) execFileSync('umount', ['-l', folder])
    mounted = false
  }
}
