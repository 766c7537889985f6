import { expect, onTestFinished, test } from 'vitest'
import { openCatalogDatabase } from '../../src/catalog/database.ts'
import { createDeleteStore } from '../../src/catalog/delete-store.ts'
import { createWriteQueue } from '../../src/catalog/write-queue.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempFolder } from '../support/temp-catalog.ts'

test('what a delete would take is counted while a transaction writes', async () => {
  const file = `${await tempFolder()}/catalog.db`
  const db = openCatalogDatabase(file, { log: silentLog, clock: systemClock })
  onTestFinished(() => db.$disconnect())
  const store = createDeleteStore(db, createWriteQueue())
  const place = { app: 'hello', server: '10.0.0.1', source: '/data' }
  const one = { ...place, name: 'hello-db', snapshot: '', points: 1 }
  const loss = await db.$transaction(() => store.measure({ deletes: [one], since: 0, apps: undefined }))
  expect(loss.volumes).toMatchObject([{ ...place, now: 1 }])
})
