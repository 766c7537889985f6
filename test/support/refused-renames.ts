import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Why this machine cannot do it; undefined if it can. Everything made for the check is removed again. */
function whyNot(act: (folder: string) => void): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-try-'))
  try {
    act(folder)
    return undefined
  } catch (error) {
    return `refused here: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'pipe' })
}

export const noFlags = whyNot((folder) => {
  run('chattr', '+i', folder)
  run('chattr', '-i', folder)
})

/** An overlay whose lower layer has `below/file`. */
export function mountOverlay(base: string): string {
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(base, name))
  for (const folder of [join(lower ?? '', 'below'), upper, work, merged])
    mkdirSync(folder ?? '', { recursive: true })
  writeFileSync(join(lower ?? '', 'below/file'), 'from below')
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work},redirect_dir=off`
  run('mount', '-t', 'overlay', 'overlay', '-o', layers, merged ?? '')
  return merged ?? ''
}

export const noOverlay = whyNot((folder) => run('umount', '-l', mountOverlay(folder)))

/** XFS keeps quota projects apart whether or not quotas are counted. */
export function mountWithProjects(base: string): string {
  const [image, point] = [join(base, 'image'), join(base, 'mounted')]
  writeFileSync(image, '')
  truncateSync(image, 320 * 1024 * 1024)
  run('mkfs.xfs', '-q', image)
  mkdirSync(point)
  run('mount', '-o', 'loop', image, point)
  return point
}

/** A volume with a quota project of its own, which holds `file`; removed after the test. */
export function makeProjectVolume(base: string): { mounted: string; volume: string } {
  const mounted = mountWithProjects(base)
  onTestFinished(() => run('umount', '-l', mounted))
  const volume = join(mounted, 'db')
  mkdirSync(volume)
  run('chattr', '+P', '-p', '42', volume)
  writeFileSync(join(volume, 'file'), 'as it was')
  return { mounted, volume }
}

export const noProjects = whyNot((folder) => run('umount', '-l', mountWithProjects(folder)))
