import { stat } from 'node:fs/promises'
import { BackupdError } from '../lib/errors.ts'
import { tolerate } from '../lib/tolerate.ts'
import type { RunSettings } from './plugin.ts'

type Places = Pick<RunSettings, 'ip' | 'drillDir' | 'dataDir' | 'volumeRoot' | 'allowPaths'>

/**
 * The directory for drills. A full one must not stop the daemon or an app, so it is on a file system of its own.
 * @param jobPaths the volumes of the daemon's jobs
 * @throws FORBIDDEN without --drill-dir, or if it shares the file system of the data or of a volume; NOT_FOUND if it does
 * not exist
 */
export async function requireDrillDir(places: Places, jobPaths: readonly string[]): Promise<string> {
  const { ip, drillDir, dataDir, volumeRoot, allowPaths } = places
  if (drillDir === undefined) {
    const what = `the daemon on ${ip} has no directory for drills: start it with --drill-dir DIR`
    throw new BackupdError('FORBIDDEN', what)
  }
  const device = await readDevice(drillDir)
  if (device === undefined)
    throw new BackupdError('NOT_FOUND', `the --drill-dir "${drillDir}" does not exist: create it`)
  for (const path of [dataDir, volumeRoot, ...allowPaths, ...jobPaths]) {
    if ((await readDevice(path)) !== device) continue
    const what = `the --drill-dir "${drillDir}" is on the file system of "${path}"`
    const action = 'choose one on a file system without --data and without volumes'
    throw new BackupdError('FORBIDDEN', `${what}: ${action}`, { facts: { drillDir, path } })
  }
  return drillDir
}

/** undefined if it does not exist. */
async function readDevice(path: string): Promise<number | undefined> {
  return (await tolerate(['ENOENT', 'ENOTDIR'], () => stat(path)))?.dev
}
