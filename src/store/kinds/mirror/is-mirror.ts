import type { ObjectName } from '../../../objects/driver.ts'
import type { Meta } from '../../meta.ts'

/**
 * Whether a folder of a namespace is a mirror, `<ip>/<archive>` with plain copies of the volume's files: only its entry
 * in `.meta` distinguishes it from an unknown folder.
 */
export function isMirrorFolder({ name, kind }: ObjectName, meta: Meta): boolean {
  return kind === 'folder' && isMirrorName(name, meta)
}

/** Whether `.meta` lists a mirror of this name, even if its folder no longer exists. */
export function isMirrorName(name: string, meta: Meta): boolean {
  return meta.find(name)?.mode === 'increment'
}
