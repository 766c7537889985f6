import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AccessStore } from '../domain/ports.ts'
import { writeFileAtomically } from '../lib/atomic-file.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { NO_CHANGE } from './catalog-change.ts'
import type { CatalogDb } from './database.ts'
import { IDENTITY_KEY } from './identity.ts'
import type { WriteQueue } from './write-queue.ts'

const KEY = 'access'
const ENFORCED = 'enforced'
/** Of a catalog that was made before there were tokens. */
const OPEN = 'open'
/** Beside the catalog, so that a copy of it from before does not open the controller again. */
const FILE = 'access-enforced'
const TEXT = 'Access is enforced: docs/security.md\n'

interface AccessMarkOptions {
  db: CatalogDb
  writes: WriteQueue
  dataDir: string
  log: Log
}

/** Call it before openIdentity: a catalog without an identity is a fresh one, which begins closed. */
export async function openAccessMark({ db, writes, dataDir, log }: AccessMarkOptions): Promise<AccessStore> {
  const file = join(dataDir, FILE)
  const known = await db.meta.findUnique({ where: { key: KEY } })
  const isClosed = known ? known.value === ENFORCED : !(await hasIdentity(db))
  const isEnforced = isClosed || existsSync(file)
  const value = isEnforced ? ENFORCED : OPEN
  const writeRow = async () =>
    void (await db.meta.upsert({ where: { key: KEY }, create: { key: KEY, value }, update: { value } }))
  if (known?.value !== value) await writes.run(writeRow)
  if (isEnforced && !existsSync(file)) await writeMark(file, log)
  return {
    isEnforced,
    enforce: async () => {
      await writeFileAtomically(file, TEXT)
      await writes.run(
        async () => void (await db.meta.update({ where: { key: KEY }, data: { value: ENFORCED } })),
        () => NO_CHANGE,
      )
    },
  }
}

/** The catalog has the same mark, so a failure opens nothing. */
async function writeMark(file: string, log: Log): Promise<void> {
  await writeFileAtomically(file, TEXT).catch((error: unknown) =>
    log.error({ file }, `Cannot write ${file}: ${messageOf(error)}. The next start tries again`),
  )
}

async function hasIdentity(db: CatalogDb): Promise<boolean> {
  return (await db.meta.findUnique({ where: { key: IDENTITY_KEY } })) !== null
}
