import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AT_FDCWD } from '../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { given } from '../support/given.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'

const NEEDS = 'needs root and mounts: only some file systems, tmpfs among them, hold such values'
const TIMES = [10n ** 12n, 9_000_000_000_000n, 10n ** 17n, -(10n ** 12n)]

/** A volume on tmpfs, which holds every time and size that the kernel counts. */
async function memoryWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  onTestFinished(mountTmpfs(world.volume))
  return world
}

test.skipIf(!canMount)(`files of any time are recovered from a full backup (${NEEDS})`, async () => {
  const { volume, backUp, recover } = await memoryWorld()
  for (const seconds of TIMES) {
    writeFileSync(join(volume, String(seconds)), 'precious')
    loadKernel()?.utimensat(AT_FDCWD, Buffer.from(join(volume, String(seconds))), {
      mtimeNs: seconds * 10n ** 9n,
    })
  }
  const { state, result } = await backUp()
  expect(state).toBe('success')
  for (const seconds of TIMES) rmSync(join(volume, String(seconds)))
  expect(await recover(result.file ?? '')).toMatchObject({ state: 'success' })
  for (const seconds of TIMES) {
    expect(readFileSync(join(volume, String(seconds)), 'utf8')).toBe('precious')
    expect(lstatSync(join(volume, String(seconds)), { bigint: true }).mtimeNs).toBe(seconds * 10n ** 9n)
  }
})

/** Node's own stat is not exact from 2^53 seconds on. */
function timesOf(volume: string, names: readonly string[]): string {
  return spawnSync('stat', ['-c', '%n %.9Y', '--', ...names], { cwd: volume, encoding: 'utf8' }).stdout
}

test.skipIf(!canMount)(
  `times beyond the range of a double are restored to the nanosecond (${NEEDS})`,
  async () => {
    const { volume, backUp, recover } = await memoryWorld()
    const seconds = [2n ** 53n + 1n, 2n ** 62n + 3n, 2n ** 63n - 2n, -(2n ** 53n) - 3n, -(2n ** 62n) - 1n]
    const names = [
      ...seconds.map((s) => `${s}`),
      ...seconds.map((s) => `link${s}`),
      ...seconds.map((s) => `d${s}`),
    ]
    for (const [at, name] of names.entries()) {
      if (at < 5) writeFileSync(join(volume, name), 'x')
      else if (at < 10) symlinkSync('x', join(volume, name))
      else mkdirSync(join(volume, name))
      const mtimeNs = (seconds[at % 5] ?? 0n) * 10n ** 9n + 7n
      loadKernel()?.utimensat(AT_FDCWD, Buffer.from(join(volume, name)), { mtimeNs })
    }
    const before = timesOf(volume, names)
    expect(before).toContain('9223372036854775806 9223372036854775806.000000007')
    const { result } = await backUp()
    for (const name of names) rmSync(join(volume, name), { recursive: true })
    expect(await recover(result.file ?? '')).toMatchObject({ state: 'success', warnings: [] })
    expect(timesOf(volume, names)).toBe(before)
  },
)

test.skipIf(!canMount).each(['full', 'increment'])(
  `a sparse file larger than numbers are exact is named, and the rest is recovered: %s (${NEEDS})`,
  async (mode) => {
    const { volume, backUp, recover } = await memoryWorld()
    writeFileSync(join(volume, 'precious'), 'precious')
    writeFileSync(join(volume, 'vast'), 'x')
    truncateSync(join(volume, 'vast'), Number.MAX_SAFE_INTEGER)
    spawnSync('truncate', ['-s', '9007199254740993', join(volume, 'vast')])
    expect(lstatSync(join(volume, 'vast'), { bigint: true }).size).toBe(2n ** 53n + 1n)
    const { state, warnings, result } = await backUp({ mode })
    expect(state).toBe('partial')
    expect(warnings).toEqual(['vast: cannot be opened: file too large (EFBIG)'])
    for (const name of ['precious', 'vast']) rmSync(join(volume, name))
    mkdirSync(join(volume, 'new'))
    await recover(result.file ?? '')
    expect(readFileSync(join(volume, 'precious'), 'utf8')).toBe('precious')
  },
)
