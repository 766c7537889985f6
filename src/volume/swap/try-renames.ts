import { mkdirSync, renameSync, rmdirSync } from 'node:fs'
import { bytesToText } from '../../lib/byte-paths.ts'
import { BackupdError, errnoOf, hasCode } from '../../lib/errors.ts'
import { tolerateSync } from '../../lib/tolerate.ts'
import type { HeldVolume } from '../held-volume.ts'
import { breather, type Folder, openFolder, streamNames } from './folder.ts'
import { moveWithoutReplacing } from './move.ts'
import { restoreTime } from './restore-time.ts'
import { readIdentity } from './seen-volume.ts'
import { isStagingName, OLD_FOLDER, probeName } from './staging-folders.ts'

/** Errors of a rename that rights, attributes, quotas or overlay layers refuse. Other errors say nothing about that. */
const REFUSALS = new Set(['EXDEV', 'EPERM', 'EACCES'])

export interface RenamesToTry {
  volume: HeldVolume
  /** The staging folder, created and still empty. */
  staging: Folder
  /** The name of the staging folder. */
  name: string
  /** Everything in the volume will be moved out, instead of only moving new names in. */
  replacesAll: boolean
}

/**
 * Tries the renames of the swap before anything is unpacked, because some file systems refuse renames that should be
 * possible. Changes nothing in the volume, not even its modification time.
 * @throws SYSTEM_REFUSED with `facts.errno` and the alternatives
 */
export async function tryRenames(renames: RenamesToTry): Promise<void> {
  await using folder = await openFolder(renames.volume.place)
  if (renames.replacesAll) await tryMovesOut(folder, renames)
  const before = readIdentity(folder)
  try {
    tryMoveIn(folder, renames)
  } finally {
    await restoreTime(before, renames.volume)
  }
}

/**
 * Renames onto a directory that is not empty: this always fails, but the error shows whether the name could be
 * moved.
 */
async function tryMovesOut(volume: Folder, { staging }: RenamesToTry): Promise<void> {
  const full = staging.at(OLD_FOLDER)
  await using old = await openFolder(full)
  const content = old.at('probe')
  mkdirSync(content)
  try {
    const breathe = breather()
    for await (const name of streamNames(volume)) {
      await breathe()
      if (!isStagingName(name))
        tryRename(`move "${bytesToText(name)}" out of the volume`, () => renameSync(volume.at(name), full))
    }
  } finally {
    rmdirSync(content)
  }
}

function tryMoveIn(volume: Folder, { staging, name }: RenamesToTry): void {
  const probe = Buffer.from(probeName(name))
  mkdirSync(staging.at(probe), { mode: 0o700 })
  try {
    tryRename('move anything into the volume', () =>
      moveWithoutReplacing({ folder: staging, name: probe }, { folder: volume, name: probe }),
    )
    tryRename('remove anything from the volume', () => rmdirSync(volume.at(probe)))
  } catch (error) {
    removeIfThere(staging.at(probe))
    throw error
  }
}

function removeIfThere(folder: Buffer): void {
  tolerateSync(['ENOENT'], () => rmdirSync(folder))
}

function tryRename(what: string, rename: () => void): void {
  try {
    rename()
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    explainRefusal(what, error)
    if (!['ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOENT', 'EBUSY'].includes(errno)) throw error
  }
}

/** @throws SYSTEM_REFUSED as `tryRenames` if `error` is a refusal by rights, attributes, quotas or layers */
export function explainRefusal(what: string, error: unknown): void {
  const errno = errnoOf(error) ?? ''
  if (REFUSALS.has(errno)) throw refused(what, errno, error)
}

const REASONS: Record<string, string> = {
  EXDEV: 'it is in a lower layer of an overlay file system, or belongs to another quota project',
  EPERM:
    'it, or the volume itself, is immutable or append-only (lsattr shows i or a), or it belongs to another user in a sticky directory',
  EACCES: 'the daemon may not write there',
}
const REMEDIES: Record<string, string> = {
  EXDEV: 'Recover',
  EPERM: 'Remove the attribute (chattr -i -a) and recover again, or recover',
  EACCES: 'Give the daemon the right to write and recover again, or recover',
}

/** Whether this is what `tryRenames` throws. */
export function isRefusedRename(error: unknown): error is BackupdError {
  return hasCode(error, 'SYSTEM_REFUSED') && REFUSALS.has(`${error.facts.errno}`)
}

function refused(what: string, errno: string, cause: unknown): BackupdError {
  const remedy = `${REMEDIES[errno]} with onRefusedRename: IN_PLACE, which removes the old content and copies the new (this cannot be undone), or with files: ["*"], which puts every file in its place and removes nothing`
  const reason = `the file system refuses to ${what} (${errno}): ${REASONS[errno]}`
  return new BackupdError('SYSTEM_REFUSED', `${reason}. Nothing was changed. ${remedy}`, {
    facts: { errno, reason, alternatives: ['onRefusedRename: IN_PLACE', 'files: ["*"]'] },
    cause,
  })
}
