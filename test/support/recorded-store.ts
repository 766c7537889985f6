import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupEntity } from '../../src/wire/backup.ts'

/** An entity as the legacy system writes it, of the volume at `source`. */
export function recordedEntity(
  about: Partial<BackupEntity> & { name: string; source: string },
): BackupEntity {
  return {
    mode: 'full',
    volume: '/data/db',
    server: '10.77.0.11',
    size: 342,
    created: '2026-11-23T09:24:06.799265995Z',
    containers: null,
    instanceNo: 1,
    ...about,
  }
}

/** `.meta` as the legacy system leaves it: lists by source, an increment's source with its mark, NULs at the end. */
export function writeRecordedMeta(namespace: string, entities: readonly BackupEntity[]): void {
  const keyOf = ({ mode, source }: BackupEntity) => (mode === 'increment' ? `${source}@increment` : source)
  const lists = Object.fromEntries(Map.groupBy(entities, keyOf))
  mkdirSync(namespace, { recursive: true })
  writeFileSync(join(namespace, '.meta'), `${JSON.stringify(lists)}${'\0'.repeat(512)}`)
}
