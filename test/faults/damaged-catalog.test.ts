import { open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { ServersDocument } from '../support/client/generated/operations.ts'
import { startTestController, testFolder } from '../support/real-controller.ts'

const PAGE = 4096
/** More than is checked at the open. */
const MEBIBYTES = 140

/** Makes the catalog large, then overwrites one page in its middle. */
async function growAndDamage(file: string): Promise<void> {
  const database = new Database(file)
  database.pragma('synchronous = OFF')
  const insert = database.prepare(`INSERT INTO Meta VALUES ('filler ' || ?, ?)`)
  const filler = 'x'.repeat(1024 * 1024)
  database.transaction(() => {
    for (let n = 0; n < MEBIBYTES; n++) insert.run(n, filler)
    insert.run('last', '')
  })()
  database.close()
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  await handle.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, Math.floor(size / PAGE / 2) * PAGE)
  await handle.close()
}

test('a controller whose large catalog is damaged listens, then fails with the error of a start', async () => {
  const folder = await testFolder()
  const first = await startTestController({ folder })
  await first.close()
  await growAndDamage(join(folder, 'controller', 'catalog.db'))
  const controller = await startTestController({ folder })
  expect((await controller.execute(ServersDocument, {})).servers).toEqual([])
  await expect(controller.failure).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/catalog\.db is damaged\. Nothing was overwritten.*rebuildCatalog/),
  })
})
