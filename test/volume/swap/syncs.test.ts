import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { copyInPlace } from '../../../src/volume/swap/copy-in-place.ts'
import { readPointer } from '../../../src/volume/swap/pointer.ts'
import { withProtectedList } from '../../../src/volume/swap/protected-list.ts'
import { putInPlace } from '../../../src/volume/swap/put-in-place.ts'
import { prepareStaging } from '../../../src/volume/swap/staging.ts'
import { swapIn } from '../../../src/volume/swap/swap.ts'
import type { Checkpoint } from '../../../src/volume/swap/swap-options.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'
import { heldVolume } from '../../support/held-volume.ts'
import { recordDisk } from '../../support/recorded-disk.ts'
import { fillOld, RID } from '../../support/swap-content.ts'

const STAGING = 'volumes/.backupd-recover-RID'
const POINTER = 'data/recovers/RID.json'

const POINTER_SAVED = [
  `writeFile ${POINTER}.tmp`,
  `sync ${POINTER}.tmp`,
  `move ${POINTER}.tmp ${POINTER}`,
  'sync data/recovers',
]

/** On the disk before the first name is moved. */
const BEGUN = [
  'syncfs volumes/db',
  `writeFile ${STAGING}/journal`,
  `sync ${STAGING}/journal`,
  `sync ${STAGING}`,
  ...POINTER_SAVED,
  '-- journal written',
]

const ENDED = [...POINTER_SAVED, '-- done', `remove ${POINTER}`, 'sync data/recovers']

/** A staging with nothing in it yet for the volume `name`; `db` holds one file. */
async function syncWorld(name = 'db') {
  const world = given.volume('/data/db').files(fillOld).onDisk()
  rmSync(world.volume, { recursive: true })
  mkdirSync(world.volume)
  writeFileSync(join(world.volume, 'old'), 'old')
  const claim = await claimVolume(world.dataDir, join(world.parent, name))
  const staging = await prepareStaging(claim, { rid: RID, volume: heldVolume(claim.volume) })
  onTestFinished(async () => {
    await staging[Symbol.asyncDispose]()
    await claim[Symbol.asyncDispose]()
  })
  return { ...world, staging, record: () => recordDisk(world.base) }
}

type SyncWorld = Awaited<ReturnType<typeof syncWorld>>

/** Swaps `new` in for `old`; aborted at a checkpoint if one is given. */
async function swapSteps({ staging, record }: SyncWorld, abortAt?: Checkpoint): Promise<string[]> {
  writeFileSync(join(staging.target, 'new'), 'new')
  const { steps, note } = await record()
  const abort = new AbortController()
  const checkpoint = (at: Checkpoint) => {
    note(`-- ${at}`)
    if (at === abortAt) abort.abort(new Error('enough'))
  }
  const swap = swapIn(staging, { root: null, signal: abort.signal, warn: note, onRefused: note, checkpoint })
  if (abortAt) await expect(swap).rejects.toThrow('enough')
  else await swap
  return steps
}

/** Copies `new` in place of `old`, whatever renames would do. */
async function copySteps({ staging, record }: SyncWorld): Promise<string[]> {
  writeFileSync(join(staging.target, 'new'), 'new')
  const { steps, note } = await record()
  const { signal } = new AbortController()
  const onWarning = ({ message }: { message: string }) => note(message)
  const phase = () => readPointer(staging.dataDir, RID)?.phase
  const checkpoint = (at: string) => note(`-- ${at}, phase ${phase()}`)
  await copyInPlace({ staging, root: null, signal, onWarning, onProgress: () => {}, checkpoint })
  // The times a file system can hold are probed with a file.
  return steps.filter((step) => !step.includes('/.times-'))
}

async function placeSteps({ staging, record }: SyncWorld): Promise<string[]> {
  const { steps, note } = await record()
  const { signal } = new AbortController()
  await putInPlace({ staging, signal, isChosen: () => true, onWarning: ({ message }) => note(message) })
  return steps
}

const testSyncs = test.skipIf(!loadKernel())

testSyncs('a swap syncs each step before the next one counts on it (needs libc)', async () => {
  expect(await swapSteps(await syncWorld())).toEqual([
    ...BEGUN,
    `move volumes/db/old ${STAGING}/old/old`,
    ...['-- moved', '-- moved out'],
    `move ${STAGING}/new/new volumes/db/new`,
    ...['-- moved', '-- moved in'],
    ...['syncfs volumes/db', '-- in place'],
    ...[`writeFile ${STAGING}/journal`, `sync ${STAGING}/journal`, '-- committed'],
    'syncfs volumes/db',
    ...[`remove ${STAGING}/old/old`, '-- emptied'],
    ...ENDED,
  ])
})

testSyncs('flags of restored entries are on the disk before the old content goes (needs libc)', async () => {
  const world = await syncWorld()
  const staging = `${world.parent}/.backupd-recover-${RID}`
  await withProtectedList(staging, async (list) => list.add(Buffer.from('new'), 0))
  const steps = await swapSteps(world)
  expect(steps.slice(steps.indexOf('-- committed') + 1, steps.indexOf('-- emptied'))).toEqual([
    ...['syncfs volumes/db', 'syncfs volumes/db'],
    `remove ${STAGING}/old/old`,
  ])
})

testSyncs('a swap that goes back is on the disk before its pointer says so (needs libc)', async () => {
  const steps = await swapSteps(await syncWorld(), 'moved out')
  expect(steps).toEqual([
    ...BEGUN,
    `move volumes/db/old ${STAGING}/old/old`,
    ...['-- moved', '-- moved out'],
    ...[`truncate ${STAGING}/journal`, `sync ${STAGING}/journal`],
    `move ${STAGING}/old/old volumes/db/old`,
    'syncfs volumes/db',
    ...POINTER_SAVED,
    `remove ${STAGING}/new/new`,
    ...[`remove ${POINTER}`, 'sync data/recovers'],
  ])
})

testSyncs(
  'a copy in place removes nothing before the way to its end is on the disk (needs libc)',
  async () => {
    const steps = await copySteps(await syncWorld())
    expect(steps).toEqual([
      // Whether the volume can be written.
      `remove volumes/db/.backupd-recover-RID-probe`,
      `syncfs ${STAGING}`,
      ...BEGUN.slice(1, -1),
      '-- begun, phase copy',
      'remove volumes/db/old',
      '-- cleared, phase copy',
      ...['syncfs volumes/db', '-- copied, phase copy'],
      ...['syncfs volumes/db', '-- in place, phase copy'],
      ...POINTER_SAVED,
      `remove ${STAGING}/new/new`,
      ...[`remove ${POINTER}`, 'sync data/recovers'],
    ])
  },
)

testSyncs('flags of copied entries are on the disk before the copy counts as done (needs libc)', async () => {
  const world = await syncWorld()
  const staging = `${world.parent}/.backupd-recover-${RID}`
  await withProtectedList(staging, async (list) => list.add(Buffer.from('new'), 0))
  const steps = await copySteps(world)
  expect(
    steps.slice(steps.indexOf('-- copied, phase copy') + 1, steps.indexOf('-- in place, phase copy')),
  ).toEqual([...['syncfs volumes/db', 'syncfs volumes/db']])
})

testSyncs('a new volume is whole on the disk before it gets its name (needs libc)', async () => {
  expect((await swapSteps(await syncWorld('fresh'))).slice(0, 5)).toEqual([
    ...[`syncfs ${STAGING}`, '-- in place'],
    ...[`move ${STAGING}/new volumes/fresh`, 'sync volumes', '-- committed'],
  ])
})

testSyncs('what single files replaced is removed after they are on the disk (needs libc)', async () => {
  const world = await syncWorld()
  mkdirSync(join(world.staging.target, 'old'))
  expect(await placeSteps(world)).toEqual([
    `exchange ${STAGING}/new/old volumes/db/old`,
    `move ${STAGING}/new/old ${STAGING}/old/0`,
    'syncfs volumes/db',
    `remove ${STAGING}/old/0`,
  ])
})

testSyncs('a single file is on the disk when it is reported as recovered (needs libc)', async () => {
  const world = await syncWorld()
  writeFileSync(join(world.staging.target, 'old'), 'new')
  expect(await placeSteps(world)).toEqual([`move ${STAGING}/new/old volumes/db/old`, 'syncfs volumes/db'])
})

test('the list of protected entries is on disk with its name', async () => {
  const { parent, record } = await syncWorld()
  const { steps } = await record()
  await withProtectedList(`${parent}/.backupd-recover-${RID}`, async (list) =>
    list.add(Buffer.from('new'), 16),
  )
  expect(steps).toEqual([`sync ${STAGING}/protected`, `sync ${STAGING}`])
})
