import { chownSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { loadKernel } from '../../src/lib/kernel.ts'
import { startFlipping } from './flip.ts'
import type { Plugins } from './given/plugins.ts'
import { onEnd } from './lifetime.ts'

/** Why the attack cannot be made here; undefined if it can. */
export const noSwaps = loadKernel() ? undefined : 'needs the kernel to let two names change places'

const CONTAINER_USER = 1234

/**
 * Makes a volume inside a directory that a container owns. Between the two lies `x`, which the container can replace by
 * `z`, a link to a directory outside every allowed root with the same names in it.
 * @param anchor `untrusted`: the owned directory lies above what is allowed, which is the volume alone
 */
export function makeSwappableVolume(
  { base, volumeRoot, settings }: Plugins,
  anchor: 'trusted' | 'untrusted' = 'trusted',
) {
  const isTrusted = anchor === 'trusted'
  const outer = join(isTrusted ? volumeRoot : base, 'outer')
  const host = join(base, 'host')
  const volume = join(outer, 'x/y/ssl')
  for (const folder of [volume, join(host, 'y/ssl')]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(volume, 'own'), 'own')
  for (const name of ['own', 'precious']) writeFileSync(join(host, 'y/ssl', name), 'of the host')
  symlinkSync(host, join(outer, 'z'))
  if (!isTrusted) {
    chownSync(outer, CONTAINER_USER, CONTAINER_USER)
    settings.allowPaths.push(volume)
  }
  const names = [join(outer, 'x'), join(outer, 'z')] as const
  return {
    volume,
    names,
    host,
    flip: async () => onEnd(await startFlipping(names)),
    expectHostUntouched: () => {
      expect(readdirSync(join(host, 'y'))).toEqual(['ssl'])
      expect(readdirSync(join(host, 'y/ssl')).sort()).toEqual(['own', 'precious'])
      expect(readFileSync(join(host, 'y/ssl/own'), 'utf8')).toBe('of the host')
    },
  }
}
