import type { WalkOptions } from './inspector.ts'
import { joinPath } from './join-path.ts'
import type { ListedName } from './name-stream.ts'

/** Filters the names that belong to the volume. Each name that is left out causes a note. */
export function withoutLeftOut(
  { whyLeftOut, onWarning, part }: WalkOptions,
  folder: Buffer,
  listed: ListedName[],
): ListedName[] {
  const names = part ? listed.filter(({ name }) => part.has(folder, name)) : listed
  if (!whyLeftOut) return names
  return names.filter(({ name }) => {
    const message = whyLeftOut(folder, name)
    if (message !== undefined) onWarning({ severity: 'note', path: joinPath(folder, name), message })
    return message === undefined
  })
}
