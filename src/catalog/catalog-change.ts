import type { KeptRecord } from '../domain/ports.ts'
import type { BackupInfo } from '../wire/backup.ts'
import { findApp } from '../wire/find-app.ts'
import type { RunRecord } from '../wire/record.ts'
import type { TouchedRows } from './answer-cache.ts'

/** What a write changed in the tables whose answers are cached. A table that is left out is unchanged. */
export interface CatalogChange {
  records?: TouchedRows
  backups?: TouchedRows
}

export const NO_CHANGE: CatalogChange = {}

/** What news changed: the records, and the backups that they report. */
export function changeOfNews(kept: readonly KeptRecord[]): CatalogChange {
  if (kept.length === 0) return NO_CHANGE
  const records = kept.map(({ record }) => record)
  const backups = changeOfResults(records)
  return {
    records: {
      apps: new Set(records.map(findApp)),
      servers: new Set(records.map(({ server }) => server)),
      keys: new Set(records.map(({ rid }) => rid)),
    },
    ...(backups && { backups }),
  }
}

function changeOfResults(records: readonly RunRecord[]): TouchedRows | undefined {
  const told = records.flatMap(({ result }) => [result?.backup ?? [], result?.changed ?? []].flat())
  const gone = records.filter(({ result }) => result?.deleted?.length)
  if (told.length === 0 && gone.length === 0) return undefined
  const servers = new Set([...told, ...gone].map(({ server }) => server))
  const keys = new Set([
    ...told.map(backupKey),
    ...gone.flatMap(({ server, result }) =>
      (result?.deleted ?? []).map((name) => backupKey({ server, name })),
    ),
  ])
  // The apps of deleted backups are not known here.
  return gone.length > 0 ? { servers, keys } : { servers, keys, apps: new Set(told.map(({ app }) => app)) }
}

/** Backups of one server were listed again or removed. */
export function changeOfServer(server: string): CatalogChange {
  return { backups: { servers: new Set([server]) } }
}

export function backupKey({ server, name }: Pick<BackupInfo, 'server' | 'name'>): string {
  return `${server}/${name}`
}
