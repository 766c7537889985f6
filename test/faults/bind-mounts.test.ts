import fs, { existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { expect, onTestFinished, test, vi } from 'vitest'
import { clearVolume, removeUnwanted } from '../../src/volume/swap/clear-volume.ts'
import { copyInPlace } from '../../src/volume/swap/copy-in-place.ts'
import { openFolder } from '../../src/volume/swap/folder.ts'
import { putInPlace } from '../../src/volume/swap/put-in-place.ts'
import { emptyFolder } from '../../src/volume/swap/remove-tree.ts'
import { settleJournals } from '../../src/volume/swap/settle.ts'
import { discardStaging, prepareStaging } from '../../src/volume/swap/staging.ts'
import { claimVolume } from '../../src/volume/swap/volume-claim.ts'
import { TreeWriter } from '../../src/volume/tree/write-tree.ts'
import { given } from '../support/given.ts'
import { heldVolume } from '../support/held-volume.ts'
import { recoverUntil } from '../support/recover-until.ts'
import { noFlags, run } from '../support/refused-renames.ts'
import { contentOf, fillNew, fillOld, NEW_ROOT, RID } from '../support/swap-content.ts'
import { bindMount, canMount } from '../support/tmpfs.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

const { signal } = new AbortController()
const testBinds = test.skipIf(!canMount)
const testCopies = test.skipIf(!canMount || noFlags !== undefined)

/** A directory outside the volume that can be mounted at `was a folder/deep`; both have the same device. */
function makeBindWorld() {
  const world = oldVolume.onDisk()
  const source = `${world.base}/outside`
  mkdirSync(source)
  writeFileSync(`${source}/precious`, 'x')
  const point = `${world.volume}/was a folder/deep`
  const bind = () => {
    const unmount = bindMount(source, point)
    onTestFinished(unmount)
    expect(lstatSync(point).dev).toBe(lstatSync(world.volume).dev)
    return unmount
  }
  return { ...world, point, bind, expectIntact: () => expect(readdirSync(source)).toEqual(['precious']) }
}

function makeImmutableWorld() {
  const world = makeBindWorld()
  run('chattr', '+i', `${world.volume}/old only`)
  onTestFinished(() => run('chattr', '-R', '-i', world.parent))
  return { ...world, child: 'copy' as const }
}

testBinds('a bind mount inside a volume is not emptied with it (needs mounts)', async () => {
  const { base, volume, bind, expectIntact } = makeBindWorld()
  bind()
  mkdirSync(`${base}/wanted`)
  await using folder = await openFolder(volume)
  await using wanted = await openFolder(`${base}/wanted`)
  const clearing = { volume: folder, wanted, own: null, held: [], signal, onPath: () => {} }
  await clearVolume(clearing)
  expect(readdirSync(volume)).toEqual(['was a folder'])
  expectIntact()
  const refused: string[] = []
  await removeUnwanted(clearing, { removed: () => {}, refused: (path) => void refused.push(`${path}`) })
  expect(refused).toContain('was a folder/deep')
  expectIntact()
})

testBinds('a bind mount inside old content is not emptied with it (needs mounts)', async () => {
  const { volume, bind, expectIntact } = makeBindWorld()
  bind()
  await using folder = await openFolder(`${volume}/was a folder`)
  await expect(emptyFolder(folder)).rejects.toThrow()
  expectIntact()
})

testBinds.each(['was a folder', 'was a folder/deep'])(
  'a mount made at "%s" while old content is removed keeps its mode and its content (needs mounts)',
  async (path) => {
    const { base, volume } = oldVolume.onDisk()
    const [source, point] = [`${base}/outside`, `${volume}/${path}`]
    mkdirSync(source, { mode: 0o755 })
    writeFileSync(`${source}/precious`, 'x')
    const { rmdirSync } = fs
    vi.spyOn(fs, 'rmdirSync').mockImplementation((folder) => {
      const isPoint = existsSync(point) && lstatSync(folder).ino === lstatSync(point).ino
      try {
        rmdirSync(folder)
      } catch (error) {
        if (isPoint) onTestFinished(bindMount(source, point))
        throw error
      }
    })
    syncBuiltinESMExports()
    onTestFinished(() => {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    })
    await using folder = await openFolder(volume)
    await expect(emptyFolder(folder)).rejects.toThrow()
    expect(readdirSync(source)).toEqual(['precious'])
    expect(lstatSync(source).mode & 0o777).toBe(0o755)
  },
)

testBinds.each(['was a folder', 'was a folder/deep'])(
  'a file "%s" does not replace a directory with a bind mount (needs mounts)',
  async (path) => {
    const { volume, bind, expectIntact } = makeBindWorld()
    bind()
    const writer = new TreeWriter(volume, () => {})
    const entry = { ...NEW_ROOT, type: 'file' as const, path: Buffer.from(path), links: 1 }
    await expect(writer.write(entry, { next: async () => null })).rejects.toMatchObject({ code: 'EXDEV' })
    writer.close()
    expectIntact()
  },
)

testBinds('single files are not put into a bind mount (needs mounts)', async () => {
  const { dataDir, volume, bind, expectIntact } = makeBindWorld()
  bind()
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, {
    rid: RID,
    volume: heldVolume(volume),
    keepsOthers: true,
  })
  mkdirSync(`${staging.target}/was a folder/deep`, { recursive: true })
  writeFileSync(`${staging.target}/was a folder/deep/added`, 'new')
  const warnings: string[] = []
  const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
    void warnings.push(`${path}: ${message}`)
  expect(await putInPlace({ staging, signal, isChosen: () => true, onWarning })).toEqual({ faults: 1 })
  expect(warnings).toEqual([expect.stringMatching(/^was a folder\/deep: is a mount point/)])
  expectIntact()
  await discardStaging(staging)
})

testCopies(
  'a mount made while a copy in place is checked is refused, nothing changed (needs mounts)',
  async () => {
    const { dataDir, volume, bind, expectIntact } = makeImmutableWorld()
    const before = contentOf(volume).tree
    await using claim = await claimVolume(dataDir, volume)
    await using staging = await prepareStaging(claim, {
      rid: RID,
      volume: heldVolume(volume),
      mayCopy: true,
    })
    fillNew(staging.target)
    let unmount = (): void => {}
    const onProgress = ({ path }: { path: Buffer }) => {
      if (`${path}` === 'was a folder/deep/file') unmount = bind()
    }
    const copying = copyInPlace({ staging, root: NEW_ROOT, signal, onWarning: () => {}, onProgress })
    await expect(copying).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('deep'),
    })
    expectIntact()
    unmount()
    expect(contentOf(volume).tree).toEqual(before)
    await discardStaging(staging)
  },
)

testCopies('a mount made while a copy in place is checked is not entered (needs mounts)', async () => {
  const { dataDir, volume, bind } = makeImmutableWorld()
  await using claim = await claimVolume(dataDir, volume)
  await using staging = await prepareStaging(claim, {
    rid: RID,
    volume: heldVolume(volume),
    mayCopy: true,
  })
  const paths: string[] = []
  const onProgress = ({ path }: { path: Buffer }) => {
    paths.push(`${path}`)
    if (`${path}` === 'was a folder/deep') bind()
  }
  const copying = copyInPlace({ staging, root: NEW_ROOT, signal, onWarning: () => {}, onProgress })
  await expect(copying).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(paths).toContain('was a folder/deep')
  expect(paths).not.toContain('was a folder/deep/precious')
})

testCopies.each(['begun', 'cleared'])(
  'a mount made after a copy was killed at "%s" locks the volume until it is removed (needs mounts)',
  async (point) => {
    const world = makeImmutableWorld()
    const { dataDir, volume, bind, expectIntact } = world
    expect(await recoverUntil({ ...world, point })).toBe('SIGKILL')
    const unmount = bind()
    expect(await settleJournals(dataDir)).toMatchObject({
      settled: [],
      locked: [{ volume, reason: expect.stringMatching(/is mounted inside .*deep.*unmount it first/) }],
    })
    expectIntact()
    expect(existsSync(`${volume}/new only`)).toBe(false)
    unmount()
    expect((await settleJournals(dataDir)).settled).toMatchObject([{ outcome: 'went forward' }])
    expect(readdirSync(volume)).toContain('new only')
    expectIntact()
  },
)
