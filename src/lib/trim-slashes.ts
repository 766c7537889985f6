// By hand, because a regular expression such as /\/+$/ takes quadratic time: seconds for 100,000 slashes before a letter.

/** Removes all slashes at the end. */
export function trimEndSlashes(path: string): string {
  let end = path.length
  while (end > 0 && path[end - 1] === '/') end--
  return path.slice(0, end)
}

/** Removes all slashes at both ends. */
export function trimSlashes(path: string): string {
  const trimmed = trimEndSlashes(path)
  let start = 0
  while (trimmed[start] === '/') start++
  return trimmed.slice(start)
}
