import { hasControls } from '../lib/plain-text.ts'

/** What is wrong with the path of a volume, as the end of a sentence; undefined if nothing is. */
export function findPathFlaw(path: string): string | undefined {
  if (!path.startsWith('/')) return `must begin with "/": write it in full, such as /data/db`
  if (path === '/') return 'is the whole machine: name a directory'
  if (hasControls(path)) return 'has a control character in it: take it out'
  const parts = path.slice(1).split('/')
  if (parts.includes('..')) return 'contains "..": write the path that it leads to'
  if (parts.includes('') || parts.includes('.'))
    return 'has an empty or "." part: write each "/" once, none at the end'
  return undefined
}
