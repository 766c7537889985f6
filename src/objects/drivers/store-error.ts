import { BackupdError, errnoOf, messageOf } from '../../lib/errors.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT'])

const REASONS: Record<string, string> = {
  EROFS: 'it is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EIO: 'the disk or the mount answered with an I/O error',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'a file or folder of the store is a symbolic link',
  ESTALE: 'the mount is stale',
  ENOTCONN: 'the mount is not connected',
  ECONNABORTED: 'the mount disappeared during the call',
}

/** Converts the error of a call on the object `name` of the store at `dir` to one of the driver contract. */
export function storeError(
  doing: string,
  place: { dir: string; name: string },
  cause: unknown,
): BackupdError {
  if (cause instanceof BackupdError) return cause
  const errno = errnoOf(cause)
  const object = place.name === '' ? '' : `"${place.name}" in `
  const what = `Cannot ${doing} ${object}the store ${place.dir}`
  const details = { cause, facts: { object: place.name, errno: errno ?? null } }
  if (errno === 'ENOENT') return new BackupdError('NOT_FOUND', `${what}: it does not exist`, details)
  if (errno === 'EEXIST') return new BackupdError('CONFLICT', `${what}: it already exists`, details)
  if (errno === 'ENAMETOOLONG') return new BackupdError('BAD_INPUT', `${what}: the name is too long`, details)
  if (FULL.has(errno ?? '')) {
    return new BackupdError(
      'STORE_FULL',
      `${what}: the store is full. Free room in it or shorten a retention time`,
      details,
    )
  }
  const reason = REASONS[errno ?? ''] ?? messageOf(cause)
  return new BackupdError(
    'STORE_UNAVAILABLE',
    `${what}: ${reason}. Check its mount and its permissions`,
    details,
  )
}
