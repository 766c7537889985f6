import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sampleRecord } from '../support/catalog-samples.ts'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'

const CHILD = fileURLToPath(new URL('../programs/catalog-child.ts', import.meta.url))

describe('only one process at a time uses a catalog', () => {
  test('the second process is told who uses it, and may open it afterwards', async () => {
    const folder = await tempFolder()
    const first = await openCatalogIn(folder)
    await expect(openCatalogIn(folder)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`in use by process ${process.pid}`),
    })
    await first.close()
    await (await openCatalogIn(folder)).close()
  })

  test('acknowledged writes survive kill -9, and the lock does not', async () => {
    const folder = await tempFolder()
    const child = fork(CHILD, [folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const acknowledged: string[] = []
    child.on('message', (rid) => {
      acknowledged.push(String(rid))
      if (acknowledged.length === 40) child.kill('SIGKILL')
    })
    await once(child, 'message')
    await expect(openCatalogIn(folder)).rejects.toThrow(`in use by process ${child.pid}`)
    await once(child, 'close')
    const after = await openCatalogIn(folder)
    onTestFinished(() => after.close())
    expect(acknowledged.length).toBeGreaterThanOrEqual(40)
    for (const rid of acknowledged) expect((await after.records.get(rid))?.record.rid).toBe(rid)
    const given = await after.records.eventsSince(0, {}, 1000)
    expect(after.records.nextEventSeq()).toBeGreaterThan(given.at(-1)?.eventSeq ?? 0)
  })
})

describe('copies', () => {
  test('are complete databases, made while the catalog is in use', async () => {
    const folder = await tempFolder()
    const catalog = await openCatalogIn(folder)
    onTestFinished(() => catalog.close())
    await catalog.records.apply([sampleRecord()])
    const { path, size } = await catalog.copier.copyTo('nightly/one')
    const inside = join(folder, 'copies', 'nightly')
    const again = await catalog.copier.copyTo(inside)
    expect(path.startsWith(join(inside, 'one', 'catalog-'))).toBe(true)
    expect((await stat(path)).size).toBe(size)
    expect(await readdir(inside)).toHaveLength(2)
    for (const copy of [path, again.path]) {
      const database = new Database(copy, { readonly: true })
      expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
      expect(database.prepare('SELECT count(*) FROM Record').pluck().get()).toBe(1)
      database.close()
    }
  })
})
