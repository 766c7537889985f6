import { lstat, realpath } from 'node:fs/promises'
import { BackupdError } from '../../../lib/errors.ts'
import { tolerate } from '../../../lib/tolerate.ts'
import { isUnder, resolveVolume } from '../../../volume/allowed-paths.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunSettings } from '../../plugin.ts'
import { refuseOwnFolders } from '../own-folders.ts'

/**
 * Holds the folder above a new folder under --recover-dir. No link below --recover-dir is followed.
 * @throws FORBIDDEN without --recover-dir, outside it, for a link, among volumes, in the store or in the data
 * directory; CONFLICT if the path exists, NOT_FOUND if the folder above does not, or only through a link
 */
export async function openNewDirectory(
  { destDir, jobPaths = [] }: Pick<RecoverArgs, 'destDir' | 'jobPaths'>,
  settings: RunSettings,
): Promise<HeldVolume> {
  const recoverDir = requireRecoverDir(destDir, settings)
  const directory = await resolveVolume(destDir, { volumeRoot: recoverDir, allowPaths: [] }).catch(
    async (error: unknown) => {
      throw await explainPath(error, destDir, recoverDir)
    },
  )
  try {
    if (directory.exists) throw nameIsTaken(destDir)
    await refuseVolumes(directory.path, await listVolumeRoots(settings, recoverDir), jobPaths)
    await refuseOwnFolders(directory.path, settings)
    return directory
  } catch (error) {
    directory[Symbol.dispose]()
    throw error
  }
}

function requireRecoverDir(path: string, { recoverDir, ip }: RunSettings): string {
  if (recoverDir === undefined) {
    const what = `the daemon on ${ip} has no directory for this: start it with --recover-dir DIR`
    throw new BackupdError('FORBIDDEN', what)
  }
  if (path !== recoverDir && isUnder(path, recoverDir)) return recoverDir
  const what = `"${path}" is not under the --recover-dir of the daemon on ${ip}`
  throw new BackupdError('FORBIDDEN', `${what}, expected a new folder below "${recoverDir}"`, {
    facts: { recoverDir },
  })
}

async function explainPath(error: unknown, path: string, recoverDir: string): Promise<unknown> {
  if (!(error instanceof BackupdError)) return error
  if (error.code === 'FORBIDDEN') {
    const what = `"${path}" leads through a symbolic link, expected none below "${recoverDir}"`
    return new BackupdError('FORBIDDEN', what, { cause: error })
  }
  if (error.code !== 'VOLUME_MISSING') return error
  const found = await tolerate(['ENOENT', 'ENOTDIR', 'EACCES'], () => lstat(path))
  if (found) return nameIsTaken(path)
  const what = `the directory above "${path}" does not exist, or a symbolic link leads to it: name one that exists`
  return new BackupdError('NOT_FOUND', what, { cause: error })
}

function nameIsTaken(path: string): BackupdError {
  return new BackupdError('CONFLICT', `"${path}" already exists, expected a new folder: name another one`)
}

/** Where volumes may lie. An --allow-path that contains --recover-dir was given with it in mind. */
async function listVolumeRoots(
  { volumeRoot, allowPaths }: RunSettings,
  recoverDir: string,
): Promise<string[]> {
  const [home = recoverDir] = await followPaths([recoverDir])
  const allowed = await followPaths(allowPaths)
  return [...(await followPaths([volumeRoot])), ...allowed.filter((root) => !isUnder(home, root))]
}

/** A backup of the volume would include what is recovered, and its containers could change it meanwhile. */
async function refuseVolumes(path: string, roots: string[], jobPaths: readonly string[]): Promise<void> {
  const inside = [...roots, ...(await followPaths(jobPaths))].find((root) => isUnder(path, root))
  if (inside === undefined) return
  const what = `"${path}" is inside "${inside}", where volumes lie: choose a --recover-dir outside`
  throw new BackupdError('FORBIDDEN', what, { facts: { path: inside } })
}

function followPaths(paths: readonly string[]): Promise<string[]> {
  return Promise.all(paths.map((path) => realpath(path).catch(() => path)))
}
