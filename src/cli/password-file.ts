import { resolve } from 'node:path'

/** As an option of the daemon: left out where the flag is. */
export function passwordFileOf({ repositoryPasswordFile: file }: { repositoryPasswordFile?: string }): {
  repositoryPasswordFile?: string
} {
  return file === undefined ? {} : { repositoryPasswordFile: resolve(file) }
}
