import { isIP } from 'node:net'
import { BackupdError } from '../../lib/errors.ts'
import { trimEndSlashes } from '../../lib/trim-slashes.ts'
import type { RequestFields } from '../../wire/request-fields.ts'

/** The requested namespace: a server's IP, by default the daemon's own. Throws BAD_INPUT. */
export function readNamespace(fields: RequestFields, own: string): string {
  const namespace = fields.text('namespace') || own
  if (isIP(namespace) !== 0) return namespace
  throw new BackupdError('BAD_INPUT', `The namespace "${namespace}" is not an IP address`)
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
  if (isComponent(name) && !name.startsWith('.')) return name
  throw new BackupdError(
    'BAD_INPUT',
    `"${printable(name)}" is not the name of a backup, expected a name without "/" that does not begin with a dot`,
  )
}

/** Splits `NAME` or `NAME/path/inside`. Throws BAD_INPUT for a path that leaves the backup. */
export function readBackupPath(path: string): { name: string; inside: string } {
  const [name = '', ...inside] = trimEndSlashes(path).split('/')
  readBackupName(name)
  if (inside.every(isComponent)) return { name, inside: inside.join('/') }
  throw new BackupdError(
    'BAD_INPUT',
    `"${printable(path)}" leads out of the backup, expected a path inside it`,
  )
}

function isComponent(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255 && !/[/\0]/.test(name)
}

function printable(name: string): string {
  return name.length > 300 ? `${name.slice(0, 300)}…` : name
}
