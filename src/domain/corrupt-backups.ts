import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord } from '../wire/record.ts'
import type { CorruptBackups } from './ports.ts'
import { reloadHealth } from './update-health.ts'
import type { World } from './world.ts'

const CORRUPT = 'corrupt backups'
const UNREADABLE = 'unreadable manifests'

/** A series must not be deleted for its newest snapshot: the earlier ones may be good. */
const CORRUPT_ACTION =
  'Run the job of the volume, so that it has a newer good backup, then delete the corrupt archive. Do not delete an increment: its next run stores the damaged content again, and its earlier snapshots may be good'
const UNREADABLE_ACTION =
  'Such a backup is not deleted, because somebody may have pinned it. Put its manifest back, then run "backupd catalog rebuild". Or run the job of the volume, so that it has a newer good backup, then remove NAME.manifest.json from the folder of the server in the store, and delete the backup'

/**
 * Makes the backups that the catalog knows to be corrupt a problem of their server, until they are deleted or replaced.
 * @param namespace all namespaces if left out
 */
export async function reportCorrupt(world: World, namespace?: string): Promise<void> {
  const found = await world.ports.backups.corrupt(namespace)
  for (const one of found) report(world, one)
  if (namespace === undefined) return
  for (const source of [CORRUPT, UNREADABLE])
    if (!found.some((one) => sourceOf(one) === source)) world.problems.clear(source, namespace)
}

/** Does so after news, only if it can have changed what is corrupt. */
export async function reportCorruptAfter(
  world: World,
  server: string,
  records: readonly RunRecord[],
): Promise<void> {
  const isKnown = [CORRUPT, UNREADABLE].some((source) => world.problems.has(source, server))
  const tells = ({ result }: RunRecord) => tellsCorrupt(result?.backup, ...(result?.changed ?? []))
  // Only a result changes what is in the store.
  if (!records.some((record) => tells(record) || (isKnown && record.result !== null))) return
  await reportCorrupt(world, server)
  reloadHealth(world, server)
}

function tellsCorrupt(...backups: (BackupInfo | undefined)[]): boolean {
  return backups.some((backup) => backup !== undefined && backup.corrupt !== null)
}

function report({ problems, log }: World, found: CorruptBackups): void {
  const { server, count, names } = found
  const source = sourceOf(found)
  const listed = names.map((name) => `"${name}"`).join(', ')
  const more = count > names.length ? ` and ${count - names.length} more` : ''
  const text = `${describeCount(found)}: ${listed}${more}. ${found.isUnreadable ? UNREADABLE_ACTION : CORRUPT_ACTION}`
  if (!problems.has(source, server)) log.error({ server, count, names }, text)
  problems.report({ source, key: server, about: server, text })
}

function sourceOf({ isUnreadable }: CorruptBackups): string {
  return isUnreadable ? UNREADABLE : CORRUPT
}

function describeCount({ isUnreadable, server, count }: CorruptBackups): string {
  if (isUnreadable && count === 1) return `The manifest of a backup of ${server} cannot be read`
  if (isUnreadable) return `The manifests of ${count} backups of ${server} cannot be read`
  return count === 1 ? `A backup of ${server} is corrupt` : `${count} backups of ${server} are corrupt`
}
