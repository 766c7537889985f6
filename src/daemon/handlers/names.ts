import { BackupdError } from '../../lib/errors.ts'
import { trimEndSlashes } from '../../lib/trim-slashes.ts'
import { isBackupName, parseBackupPath } from '../../wire/archive-name.ts'
import { parseNamespace } from '../../wire/namespace.ts'
import type { RequestFields } from '../../wire/request-fields.ts'

/** The requested namespace: a server's IP, by default the daemon's own. Throws BAD_INPUT. */
export function readNamespace(fields: RequestFields, own: string): string {
  return parseNamespace(fields.text('namespace') || own)
}

/** Throws FORBIDDEN if `namespace` is not the daemon's own, because it deletes only there. */
export function checkOwnNamespace(namespace: string, own: string): void {
  if (namespace === own) return
  throw new BackupdError(
    'FORBIDDEN',
    `Cannot delete in the namespace ${namespace}: the daemon on ${own} deletes in its own namespace only. Ask the daemon on ${namespace}`,
  )
}

/** Checks the name of a backup in the store. Throws BAD_INPUT for one that could be a path to another place. */
export function readBackupName(name: string): string {
  if (isBackupName(name)) return name
  throw new BackupdError(
    'BAD_INPUT',
    `"${printable(name)}" is not the name of a backup, expected a name without "/" that does not begin with a dot`,
  )
}

/** Splits `NAME` or `NAME/path/inside`. Throws BAD_INPUT for a path that leaves the backup. */
export function readBackupPath(path: string): { name: string; inside: string } {
  const { name, inside } = parseBackupPath(trimEndSlashes(path))
  readBackupName(name)
  if (inside !== undefined) return { name, inside }
  throw new BackupdError(
    'BAD_INPUT',
    `"${printable(path)}" leads out of the backup, expected a path inside it`,
  )
}

function printable(name: string): string {
  return name.length > 300 ? `${name.slice(0, 300)}…` : name
}
