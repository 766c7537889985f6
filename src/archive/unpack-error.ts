import { bytesToText } from '../lib/byte-paths.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { ArchiveFault, corrupt, unsafe } from './archive-fault.ts'

/** How far an archive was read. */
export interface UnpackPosition {
  /** Bytes of the tar stream. */
  position: number
  /** The name of the last entry, as it is in the archive. */
  entry: Buffer | undefined
}

/** Errors for a path with a symlink, or something that is not a directory, on the way. */
const LEADS_ELSEWHERE = new Set(['ELOOP', 'ENOTDIR', 'EXDEV'])

/**
 * Turns a fault of the archive into ARCHIVE_CORRUPT or ARCHIVE_UNSAFE with its position; returns other errors as they
 * are.
 */
export function explainUnpackError(error: unknown, { position, entry }: UnpackPosition): unknown {
  const name = bytesToText(entry ?? Buffer.alloc(0))
  const fault = toFault(error, name)
  if (!fault) return error
  const details = { facts: { position, entry: entry ? name : null }, cause: error }
  if (fault.kind === 'unsafe') {
    return new BackupdError('ARCHIVE_UNSAFE', `The archive is unsafe: it contains ${fault.message}`, details)
  }
  const where = `byte ${position} of its tar stream${entry ? `, at "${name}"` : ''}`
  const message = `The archive is damaged: ${fault.message} (${where}). Use an older backup`
  return new BackupdError('ARCHIVE_CORRUPT', message, details)
}

function toFault(error: unknown, name: string): ArchiveFault | undefined {
  if (error instanceof ArchiveFault) return error
  const code = errnoOf(error) ?? ''
  if ((code.startsWith('Z_') && code !== 'Z_MEM_ERROR') || code === 'ERR_BUFFER_TOO_LARGE')
    return corrupt(`it cannot be inflated, ${messageOf(error)}`)
  return LEADS_ELSEWHERE.has(code)
    ? unsafe(`"${name}", which leads through a symbolic link or a file`)
    : undefined
}
