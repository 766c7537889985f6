import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, onTestFinished } from 'vitest'

/** A test on an ext4 of its own, made with these options; skipped, with the reason, if it cannot be mounted. */
export function itOnExt4(
  name: string,
  options: readonly string[],
  test: (dir: string) => Promise<void>,
): void {
  it(name, async ({ skip }) => {
    const disk = mountImage(options)
    if ('reason' in disk) return skip(disk.reason)
    onTestFinished(disk.unmount)
    await test(disk.dir)
  })
}

function mountImage(options: readonly string[]): { dir: string; unmount(): void } | { reason: string } {
  const base = mkdtempSync(join(tmpdir(), 'backupd-image-'))
  const [image, dir] = [join(base, 'image'), join(base, 'mount')]
  try {
    mkdirSync(dir)
    writeFileSync(image, '')
    execFileSync('truncate', ['-s', '32M', image], { stdio: 'pipe' })
    execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', ...options, image], { stdio: 'pipe' })
    execFileSync('mount', ['-o', 'loop', image, dir], { stdio: 'pipe' })
  } catch (error) {
    rmSync(base, { recursive: true, force: true })
    return { reason: `no ext4 image can be mounted: ${error instanceof Error ? error.message : error}` }
  }
  const unmount = () => {
    execFileSync('umount', ['-l', dir])
    rmSync(base, { recursive: true, force: true })
  }
  return { dir, unmount }
}

/** What `lsattr` shows of paths, with only the flags that chattr sets. */
export function flagsOf(dir: string, ...paths: string[]): string[] {
  const text = execFileSync('lsattr', ['-d', ...paths], { cwd: dir, encoding: 'utf8' })
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [flags = '', path] = line.split(/\s+/)
      return `${flags.replaceAll(/[-eI]/g, '')} ${path}`
    })
}

/** Why inode flags cannot be tested in the temporary folder; undefined if they can. */
export function whyNoFlags(): string | undefined {
  const base = mkdtempSync(join(tmpdir(), 'backupd-flags-'))
  try {
    execFileSync('chattr', ['+i', base], { stdio: 'pipe' })
    execFileSync('chattr', ['-i', base], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return `chattr is refused: ${error instanceof Error ? error.message : error}`
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}
