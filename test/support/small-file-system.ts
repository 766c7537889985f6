import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, onTestFinished } from 'vitest'

/** A test that mounts a file system; skipped, with the reason, if this machine does not allow that. */
export function itMounts(name: string, test: () => Promise<void>): void {
  if (noMounts === undefined) it(name, test)
  else it(name, ({ skip }) => skip(noMounts))
}

const noMounts = whyNoMounts()

/** undefined if it can. */
function whyNoMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount'
  try {
    unmount(mount(16))
    return undefined
  } catch (error) {
    return `mount is refused: ${error instanceof Error ? error.message : error}`
  }
}

/** A file system of its own with room for `kib` KiB, removed after the test. */
export function smallFileSystem(kib: number): { dir: string; remount(options: 'ro' | 'rw'): void } {
  const dir = mount(kib)
  onTestFinished(() => unmount(dir))
  return { dir, remount: (options) => void execFileSync('mount', ['-o', `remount,${options}`, dir]) }
}

function mount(kib: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', dir], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(dir)
    throw error
  }
  return dir
}

function unmount(dir: string): void {
  execFileSync('umount', ['-l', dir])
  rmdirSync(dir)
}
