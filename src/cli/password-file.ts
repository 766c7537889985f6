import { resolve } from 'node:path'

/** The option of the daemon; left out if the flag is. */
export function passwordFileOf({ repositoryPasswordFile: file }: { repositoryPasswordFile?: string }): {
  repositoryPasswordFile?: string
} {
  return file === undefined ? {} : { repositoryPasswordFile: resolve(file) }
}
