import { KernelError } from '../../lib/kernel/libc.ts'
import type { XattrTarget } from '../../lib/kernel/xattrs.ts'
import type { Kernel } from '../../lib/kernel.ts'
import type { Xattr } from './entry.ts'

/** For one entry. XFS allows hundreds of MiB, but archive headers above 64 MiB are rejected. */
const MAX_XATTR_BYTES = 16 * 1024 * 1024
const E2BIG = 7

/**
 * Reads all extended attributes with their raw values. One that is removed meanwhile is left out. Throws E2BIG if they
 * are larger than a backup can store.
 */
export function readXattrs(kernel: Kernel, target: XattrTarget): Xattr[] {
  const xattrs: Xattr[] = []
  let bytes = 0
  for (const name of kernel.listXattrs(target)) {
    const value = kernel.getXattr(target, name)
    if (value === undefined) continue
    bytes += name.length + value.length
    if (bytes > MAX_XATTR_BYTES) throw new KernelError(E2BIG, 'getxattr')
    xattrs.push({ name, value })
  }
  return xattrs
}
