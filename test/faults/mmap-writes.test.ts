import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { flushVolume } from '../../src/volume/tree/flush-volume.ts'
import { openVolume } from '../../src/volume/tree/volume.ts'
import { given } from '../support/given.ts'
import { mapFile } from '../support/mapped-file.ts'
import { packTo, untar } from '../support/packing.ts'

const MIB = 1 << 20
/** So that no file is too young to be trusted by its timestamps. */
const later = { ...systemClock, now: () => Date.now() + 10_000 }

test.skipIf(!loadKernel())('a second store through mmap is in the next increment (needs glibc)', async () => {
  const { volume, backUp, recover } = await given.app('shop').proc('web').volume('/data/db').plugins()
  const file = join(volume, 'db')
  writeFileSync(file, Buffer.alloc(8192))
  const mapped = mapFile(file, 8192)
  mapped.write('AAAA')
  await backUp({ mode: 'increment' }, { clock: later })
  mapped.write('BBBB')
  const { result } = await backUp({ mode: 'increment' }, { clock: later })
  expect(result).toMatchObject({ filesChanged: 1 })
  mapped.write('CCCC')
  rmSync(file)
  await recover(result.file ?? '')
  expect(readFileSync(file, 'latin1').slice(0, 4)).toBe('BBBB')
})

test.skipIf(!loadKernel())(
  'a store through mmap during packing makes the run partial (needs glibc)',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mmap-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const [volume, file, size] = [join(dir, 'v'), join(dir, 'v/db'), 20 * MIB]
    mkdirSync(volume)
    writeFileSync(file, Buffer.alloc(size, 'content that stays. '))
    const mapped = mapFile(file, size)
    const store = (text: string) => {
      mapped.write(text)
      mapped.write(text, size - text.length)
    }
    const packed = await packTo(join(dir, 'a.tar.gz'), volume, {
      // After the volume was flushed, before the file is opened.
      onProgress: ({ path }) => path.length === 0 && store('first'),
      beforeWrite: (count) => count === 1 && store('other'),
    })
    await untar(packed.archive, join(dir, 'out'))
    const restored = readFileSync(join(dir, 'out/v/db'), 'latin1')
    expect([restored.slice(0, 5), restored.slice(-5)]).toEqual(['first', 'other'])
    expect(packed.warnings).toEqual(['fault db: changed while it was read'])
  },
)

test.skipIf(!loadKernel())(
  'a store before a file is opened is in the backup, and is not a fault (needs glibc)',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mmap-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    mkdirSync(join(dir, 'v'))
    writeFileSync(join(dir, 'v/db'), Buffer.alloc(2 * MIB))
    const mapped = mapFile(join(dir, 'v/db'), 2 * MIB)
    const before = statSync(join(dir, 'v/db'), { bigint: true }).mtimeNs
    const { archive, warnings } = await packTo(join(dir, 'a.tar.gz'), join(dir, 'v'), {
      onProgress: ({ path }) => path.length === 0 && mapped.write('stored'),
    })
    expect(warnings).toEqual([])
    await untar(archive, join(dir, 'out'))
    expect(readFileSync(join(dir, 'out/v/db'), 'latin1').slice(0, 6)).toBe('stored')
    expect(statSync(join(dir, 'v/db'), { bigint: true }).mtimeNs).toBeGreaterThan(before)
  },
)

test.skipIf(!loadKernel())(
  'a file system that does not finish writing is a warning (needs glibc)',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mmap-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    using volume = await openVolume(dir)
    const kernel = loadKernel()
    const warnings: string[] = []
    const options = {
      limitMs: 1,
      onWarning: ({ message }: { message: string }) => void warnings.push(message),
    }
    const stuck = kernel && { ...kernel, syncfsInThread: () => new Promise<void>(() => {}) }
    const { beganNs } = await flushVolume({ ...volume, kernel: stuck }, options)
    expect(beganNs).toBeTypeOf('bigint')
    await flushVolume({ ...volume, kernel: undefined }, options)
    expect(warnings).toEqual([
      'earlier changes through mmap may be missing: the file system did not write everything to disk within 0.001 s',
      'earlier changes through mmap may be missing: this machine has no syncfs',
    ])
  },
)
