import { cString, KernelError, type Libc, type SystemCall } from './libc.ts'

/** An open file, a path whose last component is not followed, or the file of an O_PATH descriptor. */
export type XattrTarget = number | Buffer | { pinned: number }

/** Extended attributes, which include ACLs (`system.posix_acl_access`) and capabilities (`security.capability`). */
export interface KernelXattrs {
  /** Empty if the file system has none. */
  listXattrs(target: XattrTarget): Buffer[]
  /** The raw value, or undefined if there is no such attribute. */
  getXattr(target: XattrTarget, name: Buffer): Buffer | undefined
  setXattr(target: XattrTarget, name: Buffer, value: Buffer): void
  /** A missing attribute is not an error. */
  removeXattr(target: XattrTarget, name: Buffer): void
}

/** The limit of Linux for a list and for a value (linux/limits.h). */
const MAX_XATTR_BYTES = 65536
/** Size of the first try. The kernel allocates as many bytes as offered, and most lists are short. */
const SHORT_LIST_BYTES = 256

export function bindXattrs(libc: Libc): KernelXattrs {
  const room = Buffer.allocUnsafeSlow(MAX_XATTR_BYTES)
  const list = bindBoth(libc, 'int64_t listxattr', '_Out_ void *list, size_t size')
  const get = bindBoth(libc, 'int64_t getxattr', 'const void *name, _Out_ void *value, size_t size')
  const set = bindBoth(libc, 'int setxattr', 'const void *name, const void *value, size_t size, int flags')
  const remove = bindBoth(libc, 'int removexattr', 'const void *name')
  return {
    listXattrs(target) {
      const listed = (size: number) => without('ENOTSUP', () => list(target, room, size)) ?? 0
      return splitNames(room, without('ERANGE', () => listed(SHORT_LIST_BYTES)) ?? listed(MAX_XATTR_BYTES))
    },
    getXattr(target, name) {
      const length = without('ENODATA', () => get(target, cString(name), room, MAX_XATTR_BYTES))
      return length === undefined ? undefined : Buffer.from(room.subarray(0, length))
    },
    setXattr: (target, name, value) => void set(target, cString(name), value, value.length, 0),
    removeXattr: (target, name) => void without('ENODATA', () => remove(target, cString(name))),
  }
}

type Rest = Parameters<SystemCall>

/**
 * Combines `fgetxattr` for descriptors, `lgetxattr` for paths, and `getxattr` for the link of a pinned file.
 * @param call `int64_t getxattr`
 */
function bindBoth(libc: Libc, call: string, rest: string) {
  const [result = '', name = ''] = call.split(' ')
  const byFd = libc.bind(`${result} f${name}(int fd, ${rest})`)
  const byPath = libc.bind(`${result} l${name}(const void *path, ${rest})`)
  const byLink = libc.bind(`${result} ${name}(const void *path, ${rest})`)
  return (target: XattrTarget, ...args: Rest): number => {
    if (typeof target === 'number') return byFd(target, ...args)
    if (Buffer.isBuffer(target)) return byPath(cString(target), ...args)
    return byLink(Buffer.from(`/proc/self/fd/${target.pinned}\0`), ...args)
  }
}

function without<T>(code: string, call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    if (error instanceof KernelError && error.code === code) return undefined
    throw error
  }
}

function splitNames(list: Buffer, length: number): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0; at < length; ) {
    const end = list.indexOf(0, at)
    names.push(Buffer.from(list.subarray(at, end)))
    at = end + 1
  }
  return names
}
