import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import type { FilePlace } from './file-place.ts'

/** A directory in which symbolic links are followed as long as they stay inside it. */
export function localPlace(dir: string): FilePlace {
  return {
    dir,
    within: async (act) => act(await realRoot(dir)),
    folder: async (root, name) => inside(root, await realpath(join(root, name))),
  }
}

async function realRoot(dir: string): Promise<string> {
  try {
    return await realpath(dir)
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `The store ${dir} does not exist. Mount it, or create the directory`,
      { cause },
    )
  }
}

function inside(root: string, path: string): string {
  if (path === root || path.startsWith(`${root}/`)) return path
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `A symbolic link leads out of the store ${root}, to ${path}. Remove it`,
  )
}
