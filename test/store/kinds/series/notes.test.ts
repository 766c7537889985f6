import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupdError } from '../../../../src/lib/errors.ts'
import {
  type Noting,
  noteCorrupt,
  noteDamagedPacks,
  noteWhole,
  readDamage,
  tidyDamage,
} from '../../../../src/store/kinds/series/damage-note.ts'
import {
  isOverdue,
  isPruneDue,
  isRetentionCheckDue,
  noteForgotten,
  notePruned,
  noteRetentionCheck,
  readPruneNote,
} from '../../../../src/store/kinds/series/prune-note.ts'
import { given } from '../../../support/given.ts'
import { blobOf, idOf } from '../../../support/repository-content.ts'
import { putSnapshots, sampleSnapshot } from '../../../support/snapshot-samples.ts'
import { IP, T0 } from '../../../support/store-samples.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = T0 * 1000

async function notingWorld() {
  const opened = await given.store()
  const { store, dir } = opened
  await store.preparePassword()
  await using _made = await store.ownRepository()
  const noting = async (nowMs = NOW): Promise<Noting & AsyncDisposable> => {
    const repository = await store.ownRepository()
    const dispose = () => repository[Symbol.asyncDispose]()
    return { store, ip: IP, repository, nowMs, [Symbol.asyncDispose]: dispose }
  }
  return { ...opened, noting, file: join(dir, IP, '.damaged'), read: () => readDamage(store.driver, IP) }
}

const found = (reason: string) => new BackupdError('SNAPSHOT_CORRUPT', reason)

describe('the note of damage', () => {
  test('keeps the first finding of packs and of snapshots', async () => {
    const { noting, read } = await notingWorld()
    for (const [nowMs, reason] of [
      [NOW, 'first'],
      [NOW + HOUR, 'second'],
    ] as const) {
      await using one = await noting(nowMs)
      one.repository.distrust(['a'.repeat(64)])
      await noteCorrupt(one, 'snapshot', found(reason))
    }
    const at = new Date(NOW).toISOString()
    expect(await read()).toEqual({
      packs: { ['a'.repeat(64)]: at },
      snapshots: { snapshot: { at, reason: 'first' } },
    })
  })

  test('forgets a snapshot that was read completely since, and keeps the packs', async () => {
    const { noting, read } = await notingWorld()
    await using one = await noting()
    one.repository.distrust(['a'.repeat(64)])
    await noteCorrupt(one, 'snapshot', found('damaged'))
    await noteWhole(one, 'snapshot')
    const { packs, snapshots } = await read()
    expect([Object.keys(packs), snapshots]).toEqual([['a'.repeat(64)], {}])
  })

  test('is not written into the namespace of another daemon', async () => {
    const { dir, noting, read } = await notingWorld()
    await using one = await noting()
    await given.owner('daemon-b').store({ dir, takeOver: true })
    one.repository.distrust(['a'.repeat(64)])
    await expect(noteDamagedPacks(one)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await read()).toEqual({ packs: {}, snapshots: {} })
  })

  test('counts as empty if it cannot be read, which is a problem until it is made again', async () => {
    const { store, noting, file, read } = await notingWorld()
    expect(await store.problems()).toEqual([])
    writeFileSync(file, '{"packs":')
    expect(await read()).toEqual({ packs: {}, snapshots: {} })
    expect(await store.problems()).toEqual([
      expect.stringContaining(`"${IP}/.damaged" in the store, cannot be read`),
    ])
    await using one = await noting()
    await noteCorrupt(one, 'snapshot', found('damaged'))
    expect(await store.problems()).toEqual([])
    expect(JSON.parse(readFileSync(file, 'utf8')).snapshots).toMatchObject({
      snapshot: { reason: 'damaged' },
    })
  })

  test('loses packs and snapshots that a prune removed, and no others', async () => {
    const { store, noting, read } = await notingWorld()
    const [snapshot = ''] = await putSnapshots(store, sampleSnapshot())
    await using one = await noting()
    const { repository } = one
    const packIds: string[] = []
    for (const text of ['kept', 'gone']) {
      const packs = repository.beginPacks()
      await packs.add(blobOf(repository, 'data', Buffer.from(text)))
      await packs.finish()
      packIds.push(repository.locate('data', idOf(Buffer.from(text)))?.pack ?? '')
    }
    const [kept = '', gone = ''] = packIds
    repository.distrust([kept, gone, 'f'.repeat(64)])
    for (const id of [snapshot, 'gone']) await noteCorrupt(one, id, found('damaged'))
    await repository.dropFromIndex(new Set([gone]))
    await tidyDamage(one)
    const { packs, snapshots } = await read()
    expect([Object.keys(packs), Object.keys(snapshots)]).toEqual([[kept], [snapshot]])
  })
})

describe('the note of prunes', () => {
  test('counts deleted snapshots until the next prune, and when ages were checked', async () => {
    const { store } = await notingWorld()
    const namespace = { store, ip: IP }
    expect(await readPruneNote(namespace)).toEqual({ forgotten: 0, prunedAt: 0, lookedAt: 0 })
    await noteRetentionCheck(namespace, 5)
    expect(await readPruneNote(namespace)).toEqual({ forgotten: 0, prunedAt: 5, lookedAt: 5 })
    await noteForgotten(namespace, 2)
    await noteForgotten(namespace, 0)
    await noteForgotten(namespace, 3)
    await noteRetentionCheck(namespace, 9)
    expect(await readPruneNote(namespace)).toEqual({ forgotten: 5, prunedAt: 5, lookedAt: 9 })
    await notePruned(namespace, 11)
    expect(await readPruneNote(namespace)).toEqual({ forgotten: 0, prunedAt: 11, lookedAt: 9 })
  })

  test('does not delay anything by an entry of a deleted series', async () => {
    const { store } = await notingWorld()
    await noteForgotten({ store, ip: IP }, 1)
    await noteRetentionCheck({ store, ip: IP }, 9)
    expect(await readPruneNote({ store, ip: IP })).toEqual({ forgotten: 1, prunedAt: 0, lookedAt: 9 })
  })

  test('makes a prune due if it cannot be read', async () => {
    const { store, dir } = await notingWorld()
    writeFileSync(join(dir, IP, '.prune'), 'garbage')
    expect(isPruneDue(await readPruneNote({ store, ip: IP }), NOW)).toBe(true)
  })

  const note = (forgotten: number, ago: number) => ({ forgotten, prunedAt: NOW - ago, lookedAt: NOW - ago })

  test.each([
    ['a day after something was deleted', note(1, DAY), false, true],
    ['not sooner', note(1, DAY - 1), false, false],
    ['an hour after that in a full store', note(1, HOUR), true, true],
    ['not sooner in a full store', note(1, HOUR - 1), true, false],
    ['a week after the last prune if nothing was deleted', note(0, 7 * DAY), false, true],
    ['not sooner if nothing was deleted', note(0, 7 * DAY - 1), false, false],
    ['a day after it in a full store if nothing was deleted', note(0, DAY), true, true],
    ['not sooner in a full store if nothing was deleted', note(0, DAY - 1), true, false],
    ['never if nothing was ever pruned or has to be', note(0, NOW), false, false],
    ['at once if the clock was set back', note(0, -1), false, true],
  ])('a prune is due %s', (_, of, isStoreFull, isDue) => {
    expect(isPruneDue(of, NOW, { isStoreFull })).toBe(isDue)
  })

  test('ages are checked every ten minutes, sooner for short ones, at once if the clock was set back', () => {
    expect(isRetentionCheckDue(note(0, 600_000), DAY, NOW)).toBe(true)
    expect(isRetentionCheckDue(note(0, 599_999), DAY, NOW)).toBe(false)
    expect(isRetentionCheckDue(note(0, 6000), 60_000, NOW)).toBe(true)
    expect(isRetentionCheckDue(note(0, 5999), 60_000, NOW)).toBe(false)
    expect(isRetentionCheckDue(note(0, -1), DAY, NOW)).toBe(true)
  })

  test('a prune that was due for an hour is late', () => {
    expect(isOverdue({ ...note(1, DAY + HOUR - 1), lookedAt: NOW }, NOW)).toBe(false)
    expect(isOverdue({ ...note(1, DAY + HOUR), lookedAt: NOW }, NOW)).toBe(true)
    expect(isOverdue({ ...note(0, 7 * DAY + HOUR - 1), lookedAt: NOW }, NOW)).toBe(false)
    expect(isOverdue({ ...note(0, 7 * DAY + HOUR), lookedAt: NOW }, NOW)).toBe(true)
    expect(isOverdue({ ...note(0, 0), lookedAt: NOW - HOUR - 600_000 }, NOW)).toBe(true)
    expect(isOverdue({ ...note(0, 0), lookedAt: NOW - HOUR - 599_999 }, NOW)).toBe(false)
  })
})
