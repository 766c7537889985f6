import { SLASH } from '../../lib/byte-paths.ts'

/** `a/b/c` → `a`, `b`, `c`. */
export function splitComponents(path: Buffer): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0; at < path.length; ) {
    const slash = path.indexOf(SLASH, at)
    const end = slash < 0 ? path.length : slash
    if (end > at) names.push(path.subarray(at, end))
    at = end + 1
  }
  return names
}

/** `a/b/c` → 3, without allocating the names. */
export function countComponents(path: Buffer): number {
  let depth = 0
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== SLASH && (at === 0 || path[at - 1] === SLASH)) depth++
  }
  return depth
}

/** `a/b/c` → `a/b` and `c`; the folder is empty for a name directly in the root. */
export function splitLast(path: Buffer): { folder: Buffer; name: Buffer } {
  const slash = path.lastIndexOf(SLASH)
  return { folder: path.subarray(0, Math.max(slash, 0)), name: path.subarray(slash + 1) }
}
