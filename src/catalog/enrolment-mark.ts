import type { EnrolmentMark } from '../domain/ports.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import type { WriteQueue } from './write-queue.ts'

const KEY = 'enrolment'
const VALUE = 'used'

/** In the catalog and not beside it, so that it is not lost together with the files of the authority. */
export async function openEnrolmentMark(db: CatalogDb, writes: WriteQueue): Promise<EnrolmentMark> {
  let isSet = (await db.meta.findUnique({ where: { key: KEY } })) !== null
  return {
    get isSet() {
      return isSet
    },
    async set() {
      if (isSet) return
      await writes.run(
        async () =>
          void (await db.meta.upsert({
            ...{ where: { key: KEY }, create: { key: KEY, value: VALUE }, update: { value: VALUE } },
          })),
        () => NO_CHANGE,
      )
      isSet = true
    },
  }
}
