import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import type { Space } from '../../src/objects/driver.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { readSmall } from '../../src/objects/small-objects.ts'
import { newRid } from '../../src/wire/ids.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { secondsClock } from '../support/hand-clock.ts'
import { recordDisk } from '../support/recorded-disk.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'
import { writePendingBackup } from '../support/sample-backups.ts'
import { ARCHIVE, factsOf, IP, SOURCE, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore, type WholeStore } from '../support/whole-store.ts'

const openCount = () => readdirSync('/proc/self/fd').length
const FULL = new BackupdError('STORE_FULL', 'The store is full')

describe('the reserve', () => {
  async function reserveWorld(driver = localDriver(tempDir()), dir = '') {
    const opened = await given.store({ dir: dir || tempDir(), ...(dir && { driver }) })
    await opened.store.preparePassword()
    await using _repository = await opened.store.ownRepository()
    await opened.store.keepReserve()
    const reserve = join(opened.dir, IP, '.reserve')
    return { ...opened, reserve }
  }

  it('of a namespace that another daemon took is neither given up nor made again', async () => {
    const { dir, store, reserve, warnings } = await reserveWorld()
    await given.owner('daemon-b').store({ dir, takeOver: true })
    let tries = 0
    const full = () => {
      tries++
      return Promise.reject(FULL)
    }
    await expect(store.withReserve(full)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect([tries, existsSync(reserve)]).toEqual([1, true])
    rmSync(reserve)
    await store.keepReserve()
    expect(existsSync(reserve)).toBe(false)
    expect(warnings).toEqual([expect.stringContaining('Cannot create the reserve of the store')])
  })

  it('is removed from disk before the request that needs its room is repeated', async () => {
    const dir = tempDir()
    const driver = faultyDriver(localDriver(dir))
    const { store } = await reserveWorld(driver, dir)
    let calls: readonly string[] = []
    let isSecond = false
    await store.withReserve(async () => {
      calls = driver.calls.slice(-2)
      if (isSecond) return
      isSecond = true
      throw FULL
    })
    expect(calls).toEqual([`remove ${IP}/.reserve`, `syncFolder ${IP}`])
  })

  it('is not created if the store has less room than it needs', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    const { store, reserve } = await reserveWorld(driver, dir)
    rmSync(reserve)
    const space = (await driver.space()) as Space
    driver.space = async () => ({ ...space, freeBytes: 4 * 1024 * 1024 - 1 })
    await store.keepReserve()
    expect(existsSync(reserve)).toBe(false)
    driver.space = async () => ({ ...space, freeBytes: 4 * 1024 * 1024 })
    await store.keepReserve()
    expect(existsSync(reserve)).toBe(true)
  })

  it('fails without a second try if it does not exist, or if room is not the problem', async () => {
    const { store, reserve } = await reserveWorld()
    const gone = new BackupdError('STORE_UNAVAILABLE', 'the store does not answer')
    for (const error of [new Error('another reason'), gone, FULL]) {
      let tries = 0
      const failing = () => {
        tries++
        return Promise.reject(error)
      }
      if (error === FULL) rmSync(reserve)
      await expect(store.withReserve(failing)).rejects.toBe(error)
      expect(tries).toBe(1)
      expect(existsSync(reserve)).toBe(error !== FULL)
    }
  })
})

describe('a claim', () => {
  it('is refused if another daemon claimed the namespace between the check and the lock', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    const lock = driver.lock.bind(driver)
    let isFirst = true
    driver.lock = async (name) => {
      if (isFirst) {
        isFirst = false
        await given.owner('daemon-b').store({ dir })
      }
      return lock(name)
    }
    const { store } = await given.unclaimedStore({ dir, driver })
    await expect(store.claim(false)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(JSON.parse(readFileSync(join(dir, IP, '.owner'), 'utf8'))).toMatchObject({ daemonId: 'daemon-b' })
  })

  it.each([
    ['another daemon', { daemonId: 'daemon-b', epoch: 1, storeId: 'b' }, 'CONFLICT'],
    ['nobody any more', undefined, 'STORE_CHANGED'],
  ])('is not overwritten if the namespace belongs to %s when it is written', async (_whose, found, code) => {
    const dir = tempDir()
    const driver = localDriver(dir)
    const { store } = await given.store({ dir, driver })
    const file = `${IP}/.owner`
    const before = await readSmall(driver, file)
    // Another machine shares no lock with this one: it writes after the last look.
    const update = driver.update.bind(driver)
    driver.update = async (name, change) => {
      if (found) await driver.replace(name, Buffer.from(JSON.stringify(found)))
      else await driver.remove(name)
      return await update(name, change)
    }
    const other = await given.owner('daemon-c').unclaimedStore({ dir, driver })
    await expect(other.store.claim(true)).rejects.toMatchObject({ code })
    const after = await readSmall(driver, file)
    expect(`${after}`).toBe(found ? JSON.stringify(found) : 'undefined')
    expect(before).not.toEqual(after)
    await expect(store.assertOwner()).rejects.toMatchObject({ code: expect.any(String) })
  })

  it('does not count as missing in a store that cannot be used, which is named instead', async () => {
    const { dir, store } = await given.store()
    rmSync(join(dir, IP, '.owner'))
    await expect(store.assertOwner()).rejects.toMatchObject({
      message: expect.stringContaining('not claimed'),
    })
    const gone = { code: 'STORE_UNAVAILABLE', message: 'the bucket does not exist' } as const
    store.driver.check = async () => {
      throw new BackupdError(gone.code, gone.message)
    }
    await expect(store.assertOwner()).rejects.toMatchObject(gone)
    await expect(store.settle()).rejects.toMatchObject(gone)
  })

  it('is refused, and so is use, if the known store has lost its id', async () => {
    const { dir } = await given.store()
    const file = join(dir, IP, '.owner')
    const { storeId, ...owner } = JSON.parse(readFileSync(file, 'utf8'))
    const knownStore = { id: storeId, madeArchives: true, madeSnapshots: false }
    const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0', knownStore }
    const store = createWholeStore({
      driver: localDriver(dir),
      identity,
      clock: secondsClock(),
      warn: () => {},
    })
    await store.claim(false)
    writeFileSync(file, JSON.stringify(owner))
    await expect(store.claim(false)).rejects.toMatchObject({ code: 'STORE_CHANGED' })
    await expect(store.assertOwner()).rejects.toMatchObject({ code: 'STORE_CHANGED' })
  })
})

describe('an increment repository', () => {
  it('that was noted between the check and the lock stays the noted one', async () => {
    const dir = tempDir()
    const driver = localDriver(dir)
    const lock = driver.lock.bind(driver)
    const file = join(dir, IP, '.owner')
    const owner = () => JSON.parse(readFileSync(file, 'utf8'))
    driver.lock = async (name) => {
      const isNoting = existsSync(join(dir, IP, 'repo/config')) && owner().repository === undefined
      if (isNoting) writeFileSync(file, JSON.stringify({ ...owner(), repository: 'the-first' }))
      return lock(name)
    }
    const { store } = await given.store({ dir, driver })
    await store.preparePassword()
    await using _made = await store.ownRepository()
    expect(owner().repository).toBe('the-first')
    await expect(store.ownRepository()).rejects.toMatchObject({ code: 'REPOSITORY_MISSING' })
  })
})

describe('the empty mount point of an unmounted store', () => {
  it.each<[string, (store: WholeStore) => Promise<unknown>]>([
    ['a full backup', (store) => store.begin({ archive: ARCHIVE, rid: newRid(T0 * 1000), source: SOURCE })],
    ['an increment', (store) => store.ownRepository()],
    ['opening the increments', (store) => store.repository(IP)],
    ['a delete', (store) => store.remove([`${ARCHIVE}-${T0}.tar.gz`])],
    ['freeing room', (store) => store.sweep(new AbortController().signal)],
    ['settling', (store) => store.settle()],
    ['a claim', (store) => store.claim(false)],
    ['preparing the password', (store) => store.preparePassword()],
  ])('refuses %s with STORE_CHANGED and stays empty', async (_what, act) => {
    const dir = tempDir()
    const knownStore = { id: 'the-real-one', madeArchives: true, madeSnapshots: true }
    const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0', knownStore }
    const store = createWholeStore({
      driver: localDriver(dir),
      identity,
      clock: secondsClock(),
      warn: () => {},
    })
    await expect(act(store)).rejects.toMatchObject({ code: 'STORE_CHANGED' })
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('a backup', () => {
  it('that is marked as corrupt keeps the first finding', async () => {
    const { store, clock, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    for (const reason of ['first', 'second']) {
      expect(await (await store.findArchive(IP, name))?.markCorrupt(reason)).toBe(true)
      clock.set(clock.now() / 1000 + 100)
    }
    expect((await store.find(IP, name))?.info.corrupt).toBe('first')
  })

  it('that stopped between its archive and its manifest is not found before it is settled', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store } = await given.store({ dir, driver })
    const { pending, rid } = await writePendingBackup(store)
    driver.crash('commit').at(4)
    await expect(pending.publish(factsOf(rid))).rejects.toThrow('Crashed as ordered')
    const { store: later } = await given.unclaimedStore({ dir })
    expect(await later.find(IP, pending.name)).toBeUndefined()
    await later.settle()
    expect(await later.find(IP, pending.name)).toBeDefined()
  })

  it('with a wrong index leaves no file open', async () => {
    const { store, dir, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    const file = join(dir, IP, `${name}.index.gz`)
    const found = await store.findArchive(IP, name)
    const before = openCount()
    for (const text of [readFileSync(file, 'utf8').toUpperCase(), 'short']) {
      writeFileSync(file, text)
      expect(await found?.openIndex()).toBeNull()
    }
    expect(openCount()).toBe(before)
  })

  it('that cannot begin leaves no file open', async () => {
    const dir = tempDir()
    const driver = faultyLocal(dir)
    const { store } = await given.store({ dir, driver })
    driver.fail('create').at(2)
    const before = openCount()
    await expect(writePendingBackup(store)).rejects.toThrow('Failed as ordered')
    expect(openCount()).toBe(before)
  })

  it('that is no longer due under the lock is not deleted', async () => {
    const { store, names, backups } = await given.withBackups(2).store()
    const [first, second] = backups
    expect(await store.remove([first.name, second.name], async () => [second.name])).toEqual([second.name])
    expect(names()).toEqual([first.name, `${first.name}.index.gz`, `${first.name}.manifest.json`])
  })

  it('cannot be changed by others while it is decided whether it is still due', async () => {
    const { dir, store, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    let isOther = false
    let other: Promise<AsyncDisposable> | undefined
    await store.remove([name], async () => {
      other = localDriver(dir).lock(`${IP}/.lock`)
      void other.then(() => {
        isOther = true
      })
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(isOther).toBe(false)
      return [name]
    })
    await (await other)?.[Symbol.asyncDispose]()
    expect(isOther).toBe(true)
  })
})

describe('a mirror', () => {
  const NAME = 'hello-hello.web.web-1-data-db'

  async function mirrorWorld() {
    const dir = tempDir()
    const namespace = join(dir, IP)
    mkdirSync(join(namespace, NAME, 'sub/deep'), { recursive: true })
    writeFileSync(join(namespace, NAME, 'sub/file'), 'x')
    writeRecordedMeta(namespace, [recordedEntity({ mode: 'increment', name: NAME, source: SOURCE, size: 0 })])
    return { ...(await given.store({ dir })), namespace }
  }

  it('that was made again while an older one of its name is being deleted is kept', async () => {
    const { store, namespace } = await mirrorWorld()
    mkdirSync(join(namespace, `${NAME}.deleted-${'a'.repeat(42)}`))
    await store.settle()
    expect(await store.find(IP, NAME)).toBeDefined()
    rmSync(join(namespace, NAME), { recursive: true })
    await store.settle()
    expect(readFileSync(join(namespace, '.meta'), 'utf8')).not.toContain(NAME)
  })

  it('has the deletion of a file or a folder in it on disk', async () => {
    const { dir, store } = await mirrorWorld()
    const { steps } = await recordDisk(dir)
    await store.remove([`${NAME}/sub/file`])
    const known = () => steps.map((step) => step.replaceAll(/deleted-[0-9a-f]{42}/g, 'GRAVE'))
    expect(known().slice(0, 2)).toEqual([`remove ${IP}/${NAME}/sub/file`, `sync ${IP}/${NAME}/sub`])
    steps.length = 0
    await store.remove([`${NAME}/sub/deep`])
    expect(known().slice(0, 3)).toEqual([
      `move ${IP}/${NAME}/sub/deep ${IP}/${NAME}.GRAVE`,
      ...[`sync ${IP}/${NAME}/sub`, `sync ${IP}`],
    ])
  })

  it('is out of the way on disk before its entry goes', async () => {
    const { dir, store } = await mirrorWorld()
    const { steps } = await recordDisk(dir)
    await store.remove([NAME])
    const known = steps.map((step) => step.replaceAll(/deleted-[0-9a-f]{42}/g, 'GRAVE'))
    const moved = known.indexOf(`move ${IP}/${NAME} ${IP}/${NAME}.GRAVE`)
    expect(moved).toBeGreaterThanOrEqual(0)
    expect(known[moved + 1]).toBe(`sync ${IP}`)
    expect(known.findIndex((step) => step.includes('.meta'))).toBeGreaterThan(moved + 1)
  })

  it('that an earlier delete moved, which then failed, is out of the way on disk before its entry goes', async () => {
    const { dir, store, namespace } = await mirrorWorld()
    renameSync(join(namespace, NAME), join(namespace, `${NAME}.deleted-${'a'.repeat(42)}`))
    const { steps } = await recordDisk(dir)
    await store.remove([NAME])
    expect(steps[0]).toBe(`sync ${IP}`)
    expect(readFileSync(join(namespace, '.meta'), 'utf8')).not.toContain(NAME)
  })

  it.each(['a\0b', 'sub/\0'])('refuses to delete %j in it', async (inside) => {
    const { store } = await mirrorWorld()
    await expect(store.remove([`${NAME}/${inside}`])).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})
