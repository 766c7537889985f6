import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Catalog, openCatalog } from '../../src/catalog/catalog.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { silentLog } from './silent-log.ts'

/** A folder that is removed after the test. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backupd-test-catalog-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export function openCatalogIn(dataDir: string, clock: Clock = systemClock): Promise<Catalog> {
  return openCatalog({ dataDir, copyDir: join(dataDir, 'copies'), log: silentLog, clock })
}

/** An empty catalog that is closed with the test. */
export async function tempCatalog(clock?: Clock): Promise<Catalog> {
  const catalog = await openCatalogIn(await tempFolder(), clock)
  onTestFinished(() => catalog.close())
  return catalog
}
