import { onTestFinished } from 'vitest'
import type { Catalog } from '../../../src/catalog/catalog.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { ridOf, sampleBackup, sampleRecord } from '../../support/catalog-samples.ts'

/** Where a catalog lies; it is empty at first. */
export interface CatalogPlace {
  /** Opens it, again too if it was closed in between. */
  open(clock?: Clock): Promise<Catalog>
  /** Copies must lie below it. */
  copyDir: string
}

export type MakePlace = () => Promise<CatalogPlace>

/** A new catalog that is closed after the test. */
export async function openEmpty(makePlace: MakePlace, clock?: Clock): Promise<Catalog> {
  const place = await makePlace()
  const catalog = await place.open(clock)
  onTestFinished(() => catalog.close())
  return catalog
}

/** A catalog that heard of these backups by one run each. */
export async function catalogWith(makePlace: MakePlace, ...backups: Partial<BackupInfo>[]) {
  const catalog = await openEmpty(makePlace)
  const told = backups.map((backup, n) => {
    const info = sampleBackup(backup)
    const { server } = info
    return sampleRecord({ rid: ridOf(n), server, jobId: '', state: 'success', result: { backup: info } })
  })
  await catalog.records.apply(told)
  return catalog
}

/** Closes the catalog at the end of its block, so that it can be opened again. */
export function closing(catalog: Catalog) {
  return { catalog, [Symbol.asyncDispose]: () => catalog.close() }
}
