import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { writePendingBackup } from '../support/sample-backups.ts'
import { factsOf, IP } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const owner = (dir: string) => JSON.parse(readFileSync(join(dir, IP, '.owner'), 'utf8'))

describe('the owner of a namespace', () => {
  it('is the first daemon that claims it, also after restarts', async () => {
    const { dir } = await given.store()
    expect(owner(dir)).toMatchObject({ daemonId: 'daemon-a', epoch: 1 })
    await given.store({ dir })
    await given.store({ dir, takeOver: true })
    expect(owner(dir)).toMatchObject({ daemonId: 'daemon-a', epoch: 1 })
  })

  it('refuses another daemon, naming both, unless that takes over', async () => {
    const { dir } = await given.store()
    const other = await given.owner('daemon-b').unclaimedStore({ dir })
    await expect(other.store.claim(false)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(
        /belongs to the daemon daemon-a, not to this one \(daemon-b\).*--take-over/,
      ),
    })
    await other.store.claim(true)
    expect(owner(dir)).toMatchObject({ daemonId: 'daemon-b', epoch: 2 })
  })

  it('is not replaced without a request because its file cannot be read', async () => {
    const dir = tempDir()
    const { store } = await given.store({ dir })
    writeFileSync(join(dir, IP, '.owner'), 'garbage')
    await expect(store.claim(false)).rejects.toMatchObject({ code: 'CONFLICT' })
    await store.claim(true)
    expect(owner(dir)).toMatchObject({ daemonId: 'daemon-a', epoch: 1 })
  })

  it('is not replaced because the disk fails when it is read', async () => {
    const dir = tempDir()
    await given.store({ dir })
    const driver = faultyLocal(dir)
    const other = await given.owner('daemon-b').unclaimedStore({ dir, driver })
    driver.fail('read').times(2)
    await expect(other.store.claim(false)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/^Cannot tell which daemon owns the namespace /),
    })
    expect(owner(dir)).toMatchObject({ daemonId: 'daemon-a', epoch: 1 })
  })

  it('is checked again before publish, delete, settle and a mark', async () => {
    const { dir, store, names, backups } = await given.withBackups(1).store()
    const [{ name }] = backups
    const { pending, rid } = await writePendingBackup(store)
    const found = await store.findArchive(IP, name)
    await given.owner('daemon-b').store({ dir, takeOver: true })
    const before = names()
    const conflict = { code: 'CONFLICT', message: expect.stringContaining('daemon-b') }
    await expect(store.remove([name])).rejects.toMatchObject(conflict)
    await expect(store.settle()).rejects.toMatchObject(conflict)
    await expect(found?.markCorrupt('damaged')).rejects.toMatchObject(conflict)
    expect((await store.find(IP, name))?.info.corrupt).toBeNull()
    await expect(writePendingBackup(store)).rejects.toMatchObject(conflict)
    expect(names()).toEqual(before)
    await expect(pending.publish(factsOf(rid))).rejects.toMatchObject(conflict)
    await pending.abandon()
    expect(names().filter((file) => file.includes('.part-'))).toEqual([])
    expect(names().length).toBe(3)
  })

  it('does not publish a backup that began before the namespace had another owner', async () => {
    const { dir, store } = await given.store()
    const { pending, rid } = await writePendingBackup(store)
    await given.owner('daemon-b').store({ dir, takeOver: true })
    await store.claim(true)
    await expect(pending.publish(factsOf(rid))).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('is required: an empty folder in place of the mounted store gets no backup', async () => {
    const { dir, store } = await given.store()
    rmSync(join(dir, IP), { recursive: true })
    await expect(writePendingBackup(store)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('Check also that the store is mounted'),
    })
  })

  it('is not taken for another daemon if the whole store is gone', async () => {
    const dir = join(tempDir(), 'store')
    mkdirSync(dir)
    const { store } = await given.store({ dir })
    rmSync(dir, { recursive: true })
    await expect(store.assertOwner()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('Mount it, or create the directory'),
    })
  })

  it('is not needed to read a namespace', async () => {
    const { dir } = await given.withBackups(1).store()
    const reader = await given.owner('daemon-b').unclaimedStore({ dir })
    expect((await reader.store.list(IP, { limit: 10 })).backups.length).toBe(1)
  })
})
