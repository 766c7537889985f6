import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { readDamage } from '../../src/store/kinds/series/damage-note.ts'
import { given } from '../support/given.ts'
import { tempDir } from '../support/temp-dir.ts'

const GONE = new BackupdError('STORE_UNAVAILABLE', 'the store does not answer')
const signal = new AbortController().signal

/** A backup that has been opened, in a store whose objects can no longer be read. */
async function makeUnreadable(mode: 'full' | 'increment') {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const { backUp, volume, store, settings, dataDir } = world
  for (const name of ['one', 'two']) writeFileSync(join(volume, name), randomBytes(600_000))
  const { result } = await backUp({ mode })
  const name = String(result.backup?.name)
  const reader = { dataDir, signal, warn: () => {} }
  const find = () => store.find(settings.ip, name)
  const backup = await find()
  const opened = await backup?.open(null, reader)
  if (!backup || !opened) throw new Error('there is no backup')
  const { open } = store.driver
  store.driver.open = (key) =>
    /\/data\/|\.tar\.gz$/.test(key) ? Promise.reject(GONE) : open.call(store.driver, key)
  const heal = () => {
    store.driver.open = open
  }
  const restore = async () => {
    const target = join(tempDir(), 'restored')
    mkdirSync(target)
    await opened.restore({ target, signal, onProgress: () => {}, onWarning: () => {} }, null)
  }
  const damage = async () => [(await find())?.info.corrupt, await readDamage(store.driver, settings.ip)]
  const verify = () => backup.verify({ rid: 'verify-1', ...reader, onProgress: () => {} })
  return { restore, verify, heal, damage }
}

const NOTHING = [null, { packs: {}, snapshots: {} }]

test.each(['full', 'increment'] as const)(
  'a store that does not answer while a %s backup is read is no damage of the backup',
  async (mode) => {
    const { restore, verify, heal, damage } = await makeUnreadable(mode)
    await expect(restore()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await verify()).toMatchObject({ outcome: 'unreadable', error: { code: 'STORE_UNAVAILABLE' } })
    heal()
    expect(await damage()).toEqual(NOTHING)
    await restore()
    expect(await verify()).toMatchObject({ outcome: 'verified' })
    expect(await damage()).toEqual(NOTHING)
  },
)
