import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { makePluginWorld } from './plugin-world.ts'

/** Why the attack cannot be made here; undefined where it can. */
export const noSwaps = loadKernel() ? undefined : 'needs the kernel to let two names change places'

/** In memory, where there is such a place: each round syncs. */
const FAST = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/**
 * A volume inside a directory that a container owns. Between the two lies `x`, which the container can replace by `z`,
 * a link to a directory outside every allowed root with the same names in it.
 */
export async function makeSwappedWorld() {
  const world = await makePluginWorld(FAST)
  const outer = join(world.volumeRoot, 'outer')
  const host = join(world.base, 'host')
  const volume = join(outer, 'x/y/ssl')
  for (const folder of [volume, join(host, 'y/ssl')]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(volume, 'own'), 'own')
  for (const name of ['own', 'precious']) writeFileSync(join(host, 'y/ssl', name), 'of the host')
  symlinkSync(host, join(outer, 'z'))
  return {
    ...world,
    volume,
    flip: () => startFlipping([join(outer, 'x'), join(outer, 'z')]),
    expectHostUntouched: () => {
      expect(readdirSync(join(host, 'y'))).toEqual(['ssl'])
      expect(readdirSync(join(host, 'y/ssl')).sort()).toEqual(['own', 'precious'])
      expect(readFileSync(join(host, 'y/ssl/own'), 'utf8')).toBe('of the host')
    },
  }
}

/** Lets two names change places in a thread, from the first time on until the test ends. */
async function startFlipping(names: [string, string]): Promise<void> {
  const flags = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(new URL('./flip-child.ts', import.meta.url), {
    workerData: { names, flags },
    trackUnmanagedFds: false,
  })
  const gone = new Promise((resolve) => worker.once('exit', resolve))
  onTestFinished(async () => {
    Atomics.store(flags, 1, 1)
    Atomics.notify(flags, 1)
    await gone
  })
  await Atomics.waitAsync(flags, 0, 0).value
}

/** How often each outcome came: `success`, or the code of what was thrown. */
export type Outcomes = Record<string, number>

/** Does it again and again; what is thrown must be a refusal in words. */
export async function countOutcomes(rounds: number, act: () => Promise<string>): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  for (let round = 0; round < rounds; round++) {
    const outcome = await act().catch((error: unknown) => {
      if (error instanceof BackupdError) return error.code
      throw error
    })
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  return outcomes
}
