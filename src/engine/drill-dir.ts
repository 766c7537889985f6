import type { Stats } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { tolerate } from '../lib/tolerate.ts'
import { listLocalFolders } from '../wire/store-settings.ts'
import type { RunSettings } from './plugin.ts'

type Places = Pick<RunSettings, 'ip' | 'drillDir' | 'dataDir' | 'volumeRoot' | 'allowPaths' | 'store'>

/**
 * The directory for drills. A full one must not stop the daemon, its store or an app, so it is on a file system of its own.
 * @param jobPaths the volumes of the daemon's jobs
 * @throws FORBIDDEN without --drill-dir, if somebody else may change it, or if it shares the file system of the data, the store
 * or a volume; NOT_FOUND if it does not exist
 */
export async function requireDrillDir(places: Places, jobPaths: readonly string[]): Promise<string> {
  const { ip, drillDir, dataDir, volumeRoot, allowPaths, store } = places
  if (drillDir === undefined) {
    const what = `the daemon on ${ip} has no directory for drills: start it with --drill-dir DIR`
    throw new BackupdError('FORBIDDEN', what)
  }
  const { dev } = await requireOwnDirectory(drillDir)
  for (const path of [dataDir, ...listLocalFolders(store), volumeRoot, ...allowPaths, ...jobPaths]) {
    if ((await readStats(path))?.dev !== dev) continue
    const what = `the --drill-dir "${drillDir}" is on the file system of "${path}"`
    const action = 'choose one on a file system without --data, without the store and without volumes'
    throw new BackupdError('FORBIDDEN', `${what}: ${action}`, { facts: { drillDir, path } })
  }
  return drillDir
}

/** As root, drills restore owners and modes: nobody else may exchange what they work on. */
async function requireOwnDirectory(drillDir: string): Promise<Stats> {
  const stats = await readStats(drillDir)
  const what = `the --drill-dir "${drillDir}"`
  if (stats === undefined) throw new BackupdError('NOT_FOUND', `${what} does not exist: create it`)
  const flaw = findDirectoryFlaw(stats) ?? (await findWriteFlaw(drillDir))
  if (flaw !== undefined) throw new BackupdError('FORBIDDEN', `${what} ${flaw}`, { facts: { drillDir } })
  return stats
}

const [WRITABLE_BY_OTHERS, STICKY] = [0o022, 0o1000]

function findDirectoryFlaw(stats: Stats): string | undefined {
  const user = process.getuid?.() ?? 0
  if (!stats.isDirectory()) return 'is not a directory: name one'
  if (stats.uid !== user)
    return `belongs to the user ${stats.uid}: give it to ${user}, as whom the daemon runs`
  if ((stats.mode & WRITABLE_BY_OTHERS) === 0 || (stats.mode & STICKY) !== 0) return undefined
  return 'can be written by other users: run "chmod go-w" on it'
}

async function findWriteFlaw(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return `cannot be written (${messageOf(error)}): see that its file system is not read-only`
  }
}

/** undefined if it does not exist. */
function readStats(path: string): Promise<Stats | undefined> {
  return tolerate(['ENOENT', 'ENOTDIR'], () => stat(path))
}
