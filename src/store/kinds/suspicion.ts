import type { Manifest } from '../../wire/backup.ts'

/** What reading the volume showed of it. */
interface VolumeRoot {
  root: Manifest['root']
  /** Nothing but directories in it. */
  empty: boolean
}

export type BackupBefore = Pick<Manifest, 'name' | 'root' | 'files' | 'suspect'>

const EMPTY = 'the volume is empty'
const UNMOUNTED = 'nothing is mounted on the volume'
const REPLACED = 'the volume lies on another file system'

/**
 * Why a backup is suspect, or null: the volume is empty or no longer the same mount, unlike in the previous backup.
 * It stays suspect while it stays empty or unmounted, or the second such backup would count as a good one.
 */
export function findSuspicion(now: VolumeRoot, before: BackupBefore | undefined): string | null {
  if (!before) return null
  const doubted = (reason: string) => before.suspect?.includes(reason) ?? false
  const reasons: string[] = []
  if (now.empty && (before.files > 0 || doubted(EMPTY))) reasons.push(EMPTY)
  if (!now.root.mountPoint && (before.root.mountPoint || doubted(UNMOUNTED))) reasons.push(UNMOUNTED)
  else if (isOtherDevice(now.root, before.root))
    reasons.push(`${REPLACED} (${now.root.device}, was ${before.root.device})`)
  return reasons.length === 0 ? null : `${reasons.join(', ')}, unlike the backup ${before.name}`
}

/** Ignores device numbers with major 0 (network and memory file systems), which change with each mount. */
function isOtherDevice(now: Manifest['root'], before: Manifest['root']): boolean {
  const isNumbered = !now.device.startsWith('0:') || !before.device.startsWith('0:')
  return isNumbered && now.mountPoint === before.mountPoint && now.device !== before.device
}
