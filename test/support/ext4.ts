import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, onTestFinished } from 'vitest'

/** A test that needs an ext4 file system of its own; skipped, with the reason, if this machine cannot mount one. */
export function itOnExt4(name: string, test: (dir: string) => Promise<void>, skipReason = noExt4): void {
  if (skipReason === undefined) it(name, () => test(mountExt4()))
  else it(name, ({ skip }) => skip(skipReason))
}

const noExt4 = whyNoExt4()

function whyNoExt4(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount'
  try {
    const { image, dir } = mount()
    unmount(image, dir)
    return undefined
  } catch (error) {
    return `ext4 cannot be mounted: ${error instanceof Error ? error.message : error}`
  }
}

/** Unmounted and removed after the test. A new ext4 gives the inode of a deleted file to the next new one. */
function mountExt4(): string {
  const { image, dir } = mount()
  onTestFinished(() => unmount(image, dir))
  return dir
}

function mount(): { image: string; dir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-ext4-'))
  const image = `${dir}.img`
  writeFileSync(image, '')
  truncateSync(image, 64 * 1024 * 1024)
  execFileSync('mkfs.ext4', ['-q', image], { stdio: 'pipe' })
  execFileSync('mount', ['-o', 'loop', image, dir], { stdio: 'pipe' })
  return { image, dir }
}

function unmount(image: string, dir: string): void {
  execFileSync('umount', ['-l', dir])
  rmSync(image)
  rmSync(dir, { recursive: true })
}
