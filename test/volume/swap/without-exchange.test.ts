import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { KernelError } from '../../../src/lib/kernel/libc.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { putInPlace } from '../../../src/volume/swap/put-in-place.ts'
import { prepareStaging } from '../../../src/volume/swap/staging.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { noFlags, run } from '../../support/refused-renames.ts'
import { fillOld, RID } from '../../support/swap-content.ts'

const [EIO, EINVAL, ENOSYS] = [5, 22, 38]

/** As a file system or a kernel whose rename cannot exchange two names. */
function refuseExchange(errno: number): void {
  const kernel = loadKernel()
  if (!kernel) return
  const { renameat2 } = kernel
  vi.spyOn(kernel, 'renameat2').mockImplementation((from, to, how) => {
    if (how === 'exchange') throw new KernelError(errno, 'renameat2')
    renameat2(from, to, how)
  })
  onTestFinished(() => void vi.restoreAllMocks())
}

/** Puts what `fill` stages into an empty volume that `fillVolume` fills. */
async function placeWithoutExchange(
  fill: (target: string) => void,
  fillVolume: (volume: string) => void,
  errno = EINVAL,
) {
  const { dataDir, volume } = given.volume('/data/db').files(fillOld).onDisk()
  rmSync(volume, { recursive: true })
  mkdirSync(volume)
  fillVolume(volume)
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, {
    rid: RID,
    volume: heldVolume(volume),
    keepsOthers: true,
  })
  fill(staging.target)
  refuseExchange(errno)
  const warnings: string[] = []
  const { signal } = new AbortController()
  const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
    void warnings.push(`${path}: ${message}`)
  const { faults } = await putInPlace({ staging, signal, isChosen: () => true, onWarning })
  const left = { old: readdirSync(join(staging.pointer.staging, 'old')) }
  return { volume, faults, warnings, ...left }
}

function stageOtherTypes(target: string): void {
  writeFileSync(join(target, 'was a folder'), 'a file now')
  mkdirSync(join(target, 'was a file/in'), { recursive: true })
}

function fillWithOtherTypes(volume: string): void {
  mkdirSync(join(volume, 'was a folder'))
  writeFileSync(join(volume, 'was a file'), 'old')
}

test.each([EINVAL, ENOSYS])(
  'without an exchange of names (%i), an entry of another type is replaced completely',
  async (errno) => {
    const placed = await placeWithoutExchange(stageOtherTypes, fillWithOtherTypes, errno)
    expect(placed).toMatchObject({ faults: 0, warnings: [], old: [] })
    expect(readFileSync(join(placed.volume, 'was a folder'), 'utf8')).toBe('a file now')
    expect(readdirSync(join(placed.volume, 'was a file'))).toEqual(['in'])
  },
)

test.skipIf(!loadKernel())(
  'an exchange of names that fails for another reason changes nothing (needs libc)',
  async () => {
    await expect(placeWithoutExchange(stageOtherTypes, fillWithOtherTypes, EIO)).rejects.toThrow('EIO')
  },
)

test('without an exchange of names, a directory that is not empty is restored to its name', async () => {
  const placed = await placeWithoutExchange(
    (target) => writeFileSync(join(target, 'a'), 'a file'),
    (volume) => mkdirSync(join(volume, 'a/full'), { recursive: true }),
  )
  expect(placed).toMatchObject({
    faults: 1,
    old: [],
    warnings: ['a: is a directory in the volume that is not empty: it was left as it is'],
  })
  expect(readdirSync(join(placed.volume, 'a'))).toEqual(['full'])
})

test.skipIf(noFlags)(
  `without an exchange of names, the old entry is restored if the new one cannot be moved (${noFlags ?? 'needs chattr'})`,
  async () => {
    const placed = await placeWithoutExchange(
      (target) => {
        mkdirSync(join(target, 'a'))
        const path = realpathSync(join(target, 'a'))
        run('chattr', '+i', path)
        onTestFinished(() => run('chattr', '-i', path))
      },
      (volume) => writeFileSync(join(volume, 'a'), 'was a file'),
    )
    expect(placed).toMatchObject({ faults: 1, old: [], warnings: ['a: could not be put in place (EPERM)'] })
    expect(lstatSync(join(placed.volume, 'a')).isFile()).toBe(true)
    expect(readFileSync(join(placed.volume, 'a'), 'utf8')).toBe('was a file')
  },
)
