import type { XattrTarget } from '../../lib/kernel/xattrs.ts'
import type { Kernel } from '../../lib/kernel.ts'
import type { Xattr } from './entry.ts'

/** All extended attributes with their raw values. One that goes away meanwhile is left out. */
export function readXattrs(kernel: Kernel, target: XattrTarget): Xattr[] {
  const names = kernel.listXattrs(target)
  if (names.length === 0) return []
  return names.flatMap((name) => {
    const value = kernel.getXattr(target, name)
    return value === undefined ? [] : { name, value }
  })
}
