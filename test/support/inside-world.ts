import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, test } from 'vitest'
import { noFlags, run } from './refused-renames.ts'
import { fillOld } from './swap-content.ts'
import { makeSwapWorld } from './swap-world.ts'
import { canMount } from './tmpfs.ts'

/** For tests on a volume as `mountInsideWorld` makes it. */
export const testInside = test.skipIf(!canMount || noFlags !== undefined)

/** A volume with an ext4 mount of its own, of 16 MiB, so that staging lies inside. */
export function mountInsideWorld() {
  const { base, dataDir } = makeSwapWorld()
  const [volume, image] = [join(base, 'mounted'), join(base, 'image')]
  mkdirSync(volume)
  run('truncate', '-s', '16M', image)
  run('mkfs.ext4', '-q', image)
  run('mount', '-o', 'loop', image, volume)
  onTestFinished(() => run('umount', '-l', volume))
  run('rmdir', join(volume, 'lost+found'))
  fillOld(volume)
  return { dataDir, volume }
}
