import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { loadKernel } from '../../src/lib/kernel.ts'
import { startFlipping } from './flip.ts'
import { makePluginWorld } from './plugin-world.ts'

/** Why the attack cannot be made here; undefined where it can. */
export const noSwaps = loadKernel() ? undefined : 'needs the kernel to let two names change places'

/** In memory, where there is such a place: each round syncs. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

const CONTAINER_USER = 1234

/**
 * A volume inside a directory that a container owns. Between the two lies `x`, which the container can replace by `z`,
 * a link to a directory outside every allowed root with the same names in it.
 * @param anchor `untrusted`: the owned directory lies above what is allowed, which is the volume alone
 */
export async function makeSwappedWorld(anchor: 'trusted' | 'untrusted' = 'trusted') {
  const world = await makePluginWorld(FAST)
  const isTrusted = anchor === 'trusted'
  const outer = join(isTrusted ? world.volumeRoot : world.base, 'outer')
  const host = join(world.base, 'host')
  const volume = join(outer, 'x/y/ssl')
  for (const folder of [volume, join(host, 'y/ssl')]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(volume, 'own'), 'own')
  for (const name of ['own', 'precious']) writeFileSync(join(host, 'y/ssl', name), 'of the host')
  symlinkSync(host, join(outer, 'z'))
  if (!isTrusted) {
    chownSync(outer, CONTAINER_USER, CONTAINER_USER)
    world.settings.allowPaths.push(volume)
  }
  const names = [join(outer, 'x'), join(outer, 'z')] as const
  return {
    ...world,
    volume,
    names,
    host,
    flip: async () => {
      const stop = await startFlipping(names)
      onTestFinished(stop)
    },
    expectHostUntouched: () => {
      expect(readdirSync(join(host, 'y'))).toEqual(['ssl'])
      expect(readdirSync(join(host, 'y/ssl')).sort()).toEqual(['own', 'precious'])
      expect(readFileSync(join(host, 'y/ssl/own'), 'utf8')).toBe('of the host')
    },
  }
}
