import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunContext } from '../../../../src/engine/plugin.ts'
import { backupExpirePlugin } from '../../../../src/engine/plugins/backup_expire/plugin.ts'
import { localDriver } from '../../../../src/objects/drivers/local.ts'
import { given } from '../../../support/given.ts'
import { secondsClock } from '../../../support/hand-clock.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { publishSample } from '../../../support/sample-backups.ts'
import { putSnapshots, sampleSnapshot } from '../../../support/snapshot-samples.ts'
import { SOURCE, T0 } from '../../../support/store-samples.ts'
import { createWholeStore } from '../../../support/whole-store.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

const DAY = 86_400
const OTHER = '/data/other'

/** Daily backups of the last 20 days of one volume, and of another one. */
async function twentyDays() {
  const world = await shop.plugins()
  const clock = secondsClock()
  const driver = localDriver(world.storeDir)
  const store = createWholeStore({ driver, identity: world.settings, clock, warn: () => {} })
  const names: string[] = []
  for (let day = 20; day >= 0; day--) {
    clock.set(T0 - day * DAY)
    names.push((await publishSample(store)).name)
    if (day > 17) await publishSample(store, { archive: 'other', source: OTHER })
  }
  clock.set(T0 + 1)
  const events: string[] = []
  const change: Partial<RunContext> = {
    clock,
    announce: async () => void events.push(`announce with ${world.objects().length}`),
    log: (level, message) => void (level === 'warn' && events.push(`warn ${message}`)),
  }
  const expire = (...info: string[]) =>
    runPlugin(backupExpirePlugin, world.settings, { args: { info }, change })
  const left = async () => (await store.list(SERVER, { limit: 1000 })).backups.map(({ name }) => name)
  return { ...world, store, clock, names, events, change, expire, left }
}

describe('backup_expire', () => {
  it('deletes backups older than their volume allows, and announces that before the first', async () => {
    const { expire, names, left, events, objects } = await twentyDays()
    const before = objects().length
    const { state, result } = await expire(SOURCE, '7d', OTHER, '30d', `${SOURCE}@increment`, '1d')
    expect(state).toBe('success')
    expect(result).toEqual({ deleted: names.slice(0, 13) })
    expect((await left()).filter((name) => names.includes(name))).toEqual(names.slice(13))
    expect(events).toEqual([`announce with ${before}`])
    expect(objects().length).toBe(before - 3 * 13)
  })

  it('is partial while what is left of a deleted backup cannot be removed, and deletes the others', async () => {
    const { store, storeDir, expire, names, left } = await twentyDays()
    const [stuck = ''] = names
    const index = join(storeDir, SERVER, `${stuck}.index.gz`)
    rmSync(index)
    mkdirSync(index)
    await expect(store.remove([stuck])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const { state, reason, result } = await expire(SOURCE, '7d', OTHER, '30d')
    expect([state, result]).toEqual(['partial', { deleted: names.slice(1, 13) }])
    expect(reason).toContain(`"${stuck}" is deleted, but what is left of it cannot be removed`)
    expect((await left()).filter((name) => names.includes(name))).toEqual(names.slice(13))
    rmdirSync(index)
    expect(await expire(SOURCE, '6d', OTHER, '30d')).toMatchObject({ state: 'success' })
  })

  it('plans again under the lock, so that a backup found corrupt meanwhile does not replace a good one', async () => {
    const { expire, names, left, change, store } = await twentyDays()
    change.announce = async () => {
      for (const name of names.slice(5))
        await (await store.findArchive(SERVER, name))?.markCorrupt('bad blocks')
    }
    expect((await expire(SOURCE, '7d')).result).toEqual({ deleted: [] })
    expect(await left()).toEqual(expect.arrayContaining(names))
  })

  it('leaves no record if it deletes nothing', async () => {
    const { expire, events, left, names } = await twentyDays()
    expect(await expire(SOURCE, '30d', '/data/unknown', '1d', `${SOURCE}@increment`, '1d')).toMatchObject({
      state: 'success',
      reason: '',
      result: { deleted: [] },
    })
    expect(await expire()).toMatchObject({ state: 'success', result: { deleted: [] } })
    expect(events).toEqual([])
    expect((await left()).length).toBe(names.length + 3)
  })

  it('leaves snapshots of another host, or of more than the volume', async () => {
    const { expire, store } = await twentyDays()
    const strange = [20, 10, 0].flatMap((day) =>
      [{ hostname: 'laptop' }, { paths: [SOURCE, '/etc'] }].map((of) =>
        sampleSnapshot({ ...of, backupd: null, tags: [] }, T0 - day * DAY),
      ),
    )
    await store.preparePassword()
    await putSnapshots(store, ...strange)
    expect((await expire(`${SOURCE}@increment`, '7d')).result).toEqual({ deleted: [] })
  })

  it('keeps the last of a volume whose backups stopped', async () => {
    const { expire, left } = await twentyDays()
    await expire(OTHER, '1d')
    expect((await left()).filter((name) => name.startsWith('other'))).toEqual([
      `other-${T0 - 19 * DAY}.tar.gz`,
      `other-${T0 - 18 * DAY}.tar.gz`,
    ])
  })

  it('continues if one volume is malformed, and is partial', async () => {
    const { expire, events } = await twentyDays()
    const { state, reason, warnings, result } = await expire(OTHER, '1 fortnight', SOURCE, '19d', '/odd')
    expect(state).toBe('partial')
    expect(reason).toContain(`${OTHER}: "1 fortnight" is not a retention time`)
    expect(reason).toContain('/odd: "" is not a retention time')
    expect(warnings.length).toBe(2)
    expect(result.deleted?.length).toBe(1)
    expect(events.filter((event) => event.startsWith('announce')).length).toBe(1)
  })

  it('stops if a backup is from the future, and says so', async () => {
    const { expire, clock, events, left } = await twentyDays()
    clock.set(T0 - 2 * DAY)
    const before = await left()
    expect((await expire(SOURCE, '7d')).reason).toContain('was made in the future')
    expect(await left()).toEqual(before)
    expect(events).toEqual([expect.stringContaining('was made in the future')])
  })

  it('reads manifests if .meta is not enough', async () => {
    const { expire, storeDir, names } = await twentyDays()
    writeFileSync(join(storeDir, SERVER, '.meta'), 'garbage')
    expect((await expire(SOURCE, '19d')).result).toEqual({ deleted: names.slice(0, 1) })
  })

  it('refuses invalid args', async () => {
    const { settings } = await shop.plugins()
    const expire = runPlugin(backupExpirePlugin, settings, { args: { info: 'all' }, change: {} })
    await expect(expire).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})
