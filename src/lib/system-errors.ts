import type { ErrorCode } from './error-codes.ts'
import { errnoOf } from './errors.ts'

/** System errors that an operator can fix: permissions, attributes, mounts, devices, limits. */
const REFUSED = [
  'EACCES EPERM EROFS EXDEV EBUSY ETXTBSY ELOOP ENOTDIR EISDIR ENOENT EEXIST',
  'ENOTEMPTY ENAMETOOLONG EMLINK EFBIG EOVERFLOW EILSEQ ENOTSUP EOPNOTSUPP',
  'EIO EUCLEAN ENODEV ENXIO EREMOTEIO ENOMEDIUM ESTALE ENOTCONN ETIMEDOUT',
  'EHOSTDOWN EHOSTUNREACH ECONNREFUSED ECONNRESET ECONNABORTED ESHUTDOWN ENOLINK',
  'ENETUNREACH ENETDOWN ENETRESET EPROTO EBADMSG ENOKEY EKEYEXPIRED EKEYREVOKED',
  'EMFILE ENFILE ENOMEM EAGAIN ENOLCK EINTR ENOSYS ENOTTY',
].flatMap((line) => line.split(' '))

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'NO_ROOM',
  EDQUOT: 'NO_ROOM',
  ...Object.fromEntries(REFUSED.map((errno) => [errno, 'SYSTEM_REFUSED'])),
}

/** The stable code for a failed system call; undefined if only a bug of ours explains it. */
export function findSystemErrorCode(error: unknown): ErrorCode | undefined {
  return CODES[errnoOf(error) ?? '']
}
