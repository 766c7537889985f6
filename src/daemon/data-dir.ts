import { randomBytes } from 'node:crypto'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { acquireLocks } from '../engine/run-locks.ts'
import { readFileIfThere, writeFileAtomically } from '../lib/atomic-file.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { makeFolder } from '../lib/make-folder.ts'

/** A data directory that this process holds until `release`. */
export interface DataDir {
  /** Absolute. */
  path: string
  /** Created once; it identifies this daemon in a store's owner file. */
  daemonId: string
  release(): void
}

/**
 * Creates the directory (0700) if it is missing and acquires its lock, which ends with this process.
 * Throws FORBIDDEN if it cannot be written, CONFLICT if another daemon has it.
 */
export async function openDataDir(path: string): Promise<DataDir> {
  try {
    await makeFolder(path)
    await access(path, constants.W_OK)
    const lock = await acquireLocks(path, ['daemon'])
    try {
      return { path, daemonId: await readDaemonId(path), release: () => lock.release() }
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    throw makeDataDirError(path, error)
  }
}

async function readDaemonId(path: string): Promise<string> {
  const file = join(path, 'daemon-id')
  const known = (await readFileIfThere(file))?.trim()
  if (known === undefined) {
    const made = randomBytes(16).toString('hex')
    await writeFileAtomically(file, `${made}\n`)
    return made
  }
  if (/^[0-9a-f]{32}$/.test(known)) return known
  throw new BackupdError(
    'BAD_INPUT',
    `${file} does not contain a daemon id, expected 32 hex digits. Restore it from a copy, or remove it and start with --take-over`,
  )
}

function makeDataDirError(path: string, cause: unknown): BackupdError {
  const known = cause instanceof BackupdError ? cause : undefined
  if (known?.code === 'CONFLICT') {
    const holder = known.facts.pid ? ` (process ${known.facts.pid})` : ''
    const message = `Another daemon${holder} uses the data directory ${path}: stop it, or name another directory with --data`
    return new BackupdError('CONFLICT', message, { cause })
  }
  if (known) return known
  const reason = ['ENOTDIR', 'EEXIST'].includes(errnoOf(cause) ?? '')
    ? 'it is not a directory'
    : messageOf(cause)
  const message = `Cannot use the data directory ${path}: ${reason}. Make it writable, or name another with --data`
  return new BackupdError('FORBIDDEN', message, { cause })
}
