import { lstat } from 'node:fs/promises'
import { isAbsolute, join, normalize } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'

const OTHERS_WRITE = 0o022
const STICKY = 0o1000
const EXECUTE = 0o111

/**
 * The path of a script in the folder of host hooks. Nobody but root can have written or replaced it: every directory from
 * `/` to it, and it itself, belongs to root, is not a link, and cannot be written by others (or is sticky, as /tmp).
 * Throws FORBIDDEN, NOT_FOUND.
 */
export async function checkHostScript(folder: string, name: string): Promise<string> {
  const path = isAbsolute(name) ? name : join(folder, name)
  if (normalize(path) !== path || !path.startsWith(`${folder}/`) || path.endsWith('/'))
    throw refuse(name, `it lies outside "${folder}", expected a script in that folder`)
  const parts = path.split('/').slice(1)
  for (const at of parts.keys()) await checkFolder(name, `/${parts.slice(0, at).join('/')}`)
  await checkFile(name, path)
  return path
}

async function checkFolder(name: string, path: string): Promise<void> {
  const found = await stat(name, path)
  if (found.isSymbolicLink()) throw refuse(name, `"${path}" is a symbolic link, expected a directory`)
  if (!found.isDirectory()) throw refuse(name, `"${path}" is not a directory`)
  checkOwner(name, path, found)
}

async function checkFile(name: string, path: string): Promise<void> {
  const found = await stat(name, path)
  if (!found.isFile()) throw refuse(name, `"${path}" is not a regular file`)
  checkOwner(name, path, found)
  if ((found.mode & EXECUTE) === 0)
    throw refuse(name, `"${path}" is not executable. Make it so with chmod 755`)
}

function checkOwner(
  name: string,
  path: string,
  found: { uid: number; mode: number; isDirectory(): boolean },
): void {
  if (found.uid !== 0) throw refuse(name, `"${path}" belongs to the user ${found.uid}, expected root`)
  if ((found.mode & OTHERS_WRITE) === 0) return
  // In a sticky directory, others cannot replace what belongs to root.
  if (found.isDirectory() && (found.mode & STICKY) !== 0) return
  throw refuse(name, `others than root can write "${path}". Remove that right with chmod go-w`)
}

async function stat(name: string, path: string) {
  try {
    return await lstat(path)
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw new BackupdError('NOT_FOUND', `Cannot run the hook "${name}": "${path}" does not exist`, { cause })
  }
}

function refuse(name: string, flaw: string): BackupdError {
  return new BackupdError('FORBIDDEN', `Cannot run the hook "${name}": ${flaw}`)
}
