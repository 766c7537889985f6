import { parseBackupName } from '../wire/archive-name.ts'
import type { BackupInfo } from '../wire/backup.ts'
import type { OwnStore } from './change-reasons.ts'
import { restoreHiddenArchives } from './kinds/archive/restore-hidden.ts'
import { restoreHiddenSnapshots } from './kinds/series/restore-snapshots.ts'
import type { SnapshotsToRestore } from './snapshots.ts'

/** See Store.restoreHidden. */
export async function restoreBackups(
  { world, parts, ip, reader }: OwnStore,
  { names, snapshots }: SnapshotsToRestore,
): Promise<BackupInfo[]> {
  const [archives, others] = [names.filter(isArchiveName), names.filter((name) => !isArchiveName(name))]
  const restored: BackupInfo[] = []
  const restoreArchives = async () => {
    if (archives.length > 0) restored.push(...(await restoreHiddenArchives(world, archives)))
  }
  if (others.length === 0) await restoreArchives()
  else {
    const own = { store: parts, ip, reader }
    const series = await restoreHiddenSnapshots(own, { names: others, snapshots }, restoreArchives)
    restored.push(...series)
  }
  return restored
}

function isArchiveName(name: string): boolean {
  return parseBackupName(name) !== undefined
}
