import type { BackupInfo } from '../wire/backup.ts'
import type { RunRecord } from '../wire/record.ts'
import type { CorruptBackups } from './ports.ts'
import { reloadHealth } from './update-health.ts'
import type { World } from './world.ts'

const SOURCE = 'corrupt backups'
/** A series must not be deleted for its newest snapshot: the earlier ones may be good. */
const ACTION =
  'Run the job of the volume, so that it has a newer good backup, then delete the corrupt archive. Do not delete an increment: its next run stores the damaged content again, and its earlier snapshots may be good'

/**
 * Makes the backups that the catalog knows to be corrupt a problem of their server, until they are deleted or replaced.
 * @param namespace all namespaces if left out
 */
export async function reportCorrupt(world: World, namespace?: string): Promise<void> {
  const found = await world.ports.backups.corrupt(namespace)
  if (namespace === undefined || found.length > 0) for (const one of found) report(world, one)
  else world.problems.clear(SOURCE, namespace)
}

/** Does so after news, only if it can have changed what is corrupt. */
export async function reportCorruptAfter(
  world: World,
  server: string,
  records: readonly RunRecord[],
): Promise<void> {
  const isKnown = world.problems.has(SOURCE, server)
  const tells = ({ result }: RunRecord) => tellsCorrupt(result?.backup, ...(result?.changed ?? []))
  // Only a result changes what is in the store.
  if (!records.some((record) => tells(record) || (isKnown && record.result !== null))) return
  await reportCorrupt(world, server)
  reloadHealth(world, server)
}

function tellsCorrupt(...backups: (BackupInfo | undefined)[]): boolean {
  return backups.some((backup) => backup !== undefined && backup.corrupt !== null)
}

function report({ problems, log }: World, { server, count, names }: CorruptBackups): void {
  const listed = names.map((name) => `"${name}"`).join(', ')
  const more = count > names.length ? ` and ${count - names.length} more` : ''
  const what = count === 1 ? `A backup of ${server} is corrupt` : `${count} backups of ${server} are corrupt`
  const text = `${what}: ${listed}${more}. ${ACTION}`
  if (!problems.has(SOURCE, server)) log.error({ server, count, names }, text)
  problems.report({ source: SOURCE, key: server, about: server, text })
}
