import { bytesToText } from '../lib/byte-paths.ts'
import { BackupdError, errnoOf, messageOf } from '../lib/errors.ts'
import { ArchiveFault, corrupt, unsafe } from './archive-fault.ts'

/** How far an archive was read. */
export interface UnpackPlace {
  /** Bytes of the tar stream. */
  position: number
  /** The name of the last entry met, as the archive has it. */
  entry: Buffer | undefined
}

/** How the kernel answers to a path beneath a directory that has a symlink, or no directory, on its way. */
const LED_ELSEWHERE = new Set(['ELOOP', 'ENOTDIR', 'EXDEV'])

/** ARCHIVE_CORRUPT or ARCHIVE_UNSAFE with the place where an archive is to blame; anything else as it is. */
export function explainUnpackError(error: unknown, { position, entry }: UnpackPlace): unknown {
  const name = bytesToText(entry ?? Buffer.alloc(0))
  const fault = faultOf(error, name)
  if (!fault) return error
  const details = { facts: { position, entry: entry ? name : null }, cause: error }
  if (fault.kind === 'unsafe') {
    return new BackupdError('ARCHIVE_UNSAFE', `The archive is refused, it holds ${fault.message}`, details)
  }
  const where = `byte ${position} of its tar stream${entry ? `, at "${name}"` : ''}`
  const message = `The archive is damaged: ${fault.message} (${where}). Take an older backup`
  return new BackupdError('ARCHIVE_CORRUPT', message, details)
}

function faultOf(error: unknown, name: string): ArchiveFault | undefined {
  if (error instanceof ArchiveFault) return error
  const code = errnoOf(error) ?? ''
  if ((code.startsWith('Z_') && code !== 'Z_MEM_ERROR') || code === 'ERR_BUFFER_TOO_LARGE')
    return corrupt(`it does not inflate, ${messageOf(error)}`)
  return LED_ELSEWHERE.has(code)
    ? unsafe(`"${name}", which leads through a symbolic link or a file`)
    : undefined
}
