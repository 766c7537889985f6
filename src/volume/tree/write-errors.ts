import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, errnoOf } from '../../lib/errors.ts'

/** Errors of the file system or of missing rights that concern one entry: it gets a warning, and the rest continues. */
const REFUSALS = new Set([
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'EILSEQ',
  'ENAMETOOLONG',
  'EOVERFLOW',
  'EFBIG',
  'EMLINK',
  'ENODEV',
  'ENXIO',
  'ERANGE',
  'E2BIG',
])

export function isRefusal(error: unknown): boolean {
  return REFUSALS.has(errnoOf(error) ?? '')
}

/** Turns ENOSPC and EDQUOT into NO_ROOM, and returns any other error as it is. */
export function explainWriteError(error: unknown, path: Buffer): unknown {
  const code = errnoOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  const reason = code === 'ENOSPC' ? 'the file system is full' : 'a quota is used up'
  const name = bytesToText(path)
  return new BackupdError('NO_ROOM', `Cannot write "${name}": ${reason}. Free some room and run it again`, {
    facts: { path: name },
    cause: error,
  })
}
