import type { ObjectName } from '../../../objects/driver.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import type { Meta } from '../../meta.ts'

/**
 * Whether a folder of a namespace is a mirror, `<ip>/<archive>` with plain copies of the volume's files: only its entry
 * in `.meta` distinguishes it from an unknown folder.
 */
export function isMirrorFolder({ name, kind }: ObjectName, meta: Meta): boolean {
  return kind === 'folder' && isMirrorName(name, meta)
}

/**
 * Whether `.meta` lists a mirror of this name, even if its folder no longer exists. The name of a full backup is never one of a
 * mirror: mirrors are not signed, and would take the place of a signed backup.
 */
export function isMirrorName(name: string, meta: Meta): boolean {
  return !parseBackupName(name) && meta.find(name)?.mode === 'increment'
}
