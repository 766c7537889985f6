// The actions on what recovers replaced and kept: kept_list lists the copies and says which are due, kept_expire removes
// those, kept_drop removes one early, and kept_find finds them again if the data directory is lost. volume/swap has the
// rules; the daemon asks for the first, second and last on its own.

import { z } from 'zod'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { resolveVolume } from '../../../volume/allowed-paths.ts'
import { type HeldVolume, holdRealPath } from '../../../volume/held-volume.ts'
import { dropKept } from '../../../volume/swap/drop-kept.ts'
import { type KeptNote, listPresentNotes, readKeptNotes } from '../../../volume/swap/kept-note.ts'
import { addSearched, readSearched } from '../../../volume/swap/kept-searched.ts'
import { findLostCopies } from '../../../volume/swap/sealed-note.ts'
import { parseShape } from '../../../wire/json.ts'
import {
  DROP_KEPT_ACTION,
  EXPIRE_KEPT_ACTION,
  FIND_KEPT_ACTION,
  LIST_KEPT_ACTION,
  MAX_KEEP_MS,
  MAX_KEPT_LISTED,
} from '../../../wire/kept-old.ts'
import type { Plugin, RunContext, RunOutcome } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { describeKept } from '../describe-kept.ts'

const volumeSchema = z.object({ destDir: z.string() })
const dropSchema = z.object({
  app: z.string().optional(),
  proc: z.string().optional(),
  destDir: z.string(),
  /** The recover whose copy it is. */
  kept: z.string(),
})
const copiesSchema = z.object({
  /** Of the volumes of all jobs. */
  volumes: z.array(z.string()).default([]),
})
const findSchema = z.object({
  /** Of the volumes that are searched. */
  paths: z.array(z.string()),
  /** Of the volumes of all jobs. */
  volumes: z.array(z.string()),
  /** Volumes whose failed search was told before. */
  told: z.array(z.string()).default([]),
})

/** Result: `kept`, the volumes that are `due`, those not searched for lost copies yet, and the `broken` notes. */
export const keptListPlugin: Plugin<z.infer<typeof copiesSchema>> = {
  name: LIST_KEPT_ACTION,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The args of a list of kept copies', raw, copiesSchema),
  needs: () => [],
  async run({ volumes }, context) {
    const { dataDir } = context.settings
    const broken: string[] = []
    const notes = await readKeptNotes(dataDir, (file, error) =>
      broken.push(`"${file}" cannot be read: ${messageOf(error)}`),
    )
    const present = listPresentNotes(notes)
    const kept = present.slice(0, MAX_KEPT_LISTED).map(describeKept)
    const due = [...new Set(findDueCopies(notes, context).map(({ volume }) => volume))]
    const searched = await readSearched(dataDir)
    const unsearched = volumes.filter((path) => !searched.has(path))
    return { state: 'success', reason: '', result: { kept, due, unsearched, broken: broken.slice(0, 10) } }
  },
}

/**
 * Removes of one volume what has expired, and what a newer copy replaces. The daemon tells why it could not, once: such a
 * run is partial, because each failed one is logged.
 */
export const keptExpirePlugin: Plugin<z.infer<typeof volumeSchema>> = {
  name: EXPIRE_KEPT_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of an expiry of kept copies', raw, volumeSchema),
  needs: ({ destDir }) => [destDir],
  async run({ destDir }, context) {
    const failures: string[] = []
    try {
      await using _claim = await claimSettledVolume(context, destDir)
      failures.push(...(await expire(destDir, context)))
    } catch (error) {
      context.signal.throwIfAborted()
      failures.push(messageOf(error))
    }
    const [reason] = failures
    return { state: reason === undefined ? 'success' : 'partial', reason: reason ?? '', result: {} }
  },
}

/** Returns why some could not be removed, which does not keep the others. */
async function expire(destDir: string, context: RunContext): Promise<string[]> {
  const failures: string[] = []
  const due = findDueCopies(await readNotes(context), context).filter(({ volume }) => volume === destDir)
  for (const note of due) {
    try {
      await drop(note, context)
      const what = `What the recover ${note.rid} replaced in "${destDir}" was kept until now, and is removed`
      context.log('info', what)
    } catch (error) {
      context.signal.throwIfAborted()
      failures.push(messageOf(error))
    }
  }
  return failures
}

export const keptDropPlugin: Plugin<z.infer<typeof dropSchema>> = {
  name: DROP_KEPT_ACTION,
  parseArgs: (raw) => parseShape('The args of a removal of a kept copy', raw, dropSchema),
  needs: ({ destDir }) => [destDir],
  async run({ destDir, kept }, context): Promise<RunOutcome> {
    using volume = await resolveVolume(destDir, context.settings)
    await using _claim = await claimSettledVolume(context, volume.path)
    const notes = listPresentNotes(await readNotes(context))
    const note = notes.find((one) => one.volume === volume.path && one.rid === kept)
    if (!note) throw noSuchCopy(kept, destDir)
    await drop(note, context)
    return { state: 'success', reason: '', result: { bytesFreed: note.bytes } }
  },
}

/** Notes the copies of these volumes that were made before the data directory was lost. A volume is searched once. */
export const keptFindPlugin: Plugin<z.infer<typeof findSchema>> = {
  name: FIND_KEPT_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of a search for kept copies', raw, findSchema),
  needs: () => [],
  async run({ paths, volumes, told }, context) {
    const places = [...volumes, ...(await resolveAll(volumes, context))]
    const searched: string[] = []
    try {
      for (const path of paths) {
        context.signal.throwIfAborted()
        context.progress({ currentPath: path })
        if (await searchIn(path, context, { places, isTold: told.includes(path) })) searched.push(path)
      }
    } finally {
      if (searched.length > 0) await addSearched(context.settings.dataDir, searched)
    }
    return { state: 'success', reason: '', result: {} }
  },
}

async function resolveAll(paths: readonly string[], { settings }: RunContext): Promise<string[]> {
  const found: string[] = []
  for (const path of paths) {
    using volume = await resolveVolume(path, settings).catch(() => undefined)
    if (volume) found.push(volume.path)
  }
  return found
}

/** Returns whether the volume was searched; not if it does not exist, because it may be mounted later. */
async function searchIn(
  path: string,
  context: RunContext,
  { places, isTold }: { places: string[]; isTold: boolean },
): Promise<boolean> {
  try {
    using volume = await resolveVolume(path, context.settings)
    if (volume.exists) await findIn({ path, volume, places }, context)
    return volume.exists
  } catch (error) {
    context.signal.throwIfAborted()
    if (!isTold)
      context.log(
        'warn',
        `Kept copies of "${path}" cannot be looked for: ${messageOf(error)}. It is tried again`,
      )
    return false
  }
}

async function findIn(
  { path, volume, places }: { path: string; volume: HeldVolume; places: string[] },
  context: RunContext,
): Promise<void> {
  const { settings, log } = context
  const { nowMs, doubt } = readRunTime(context)
  const untilMs = Math.round(Math.max(nowMs, doubt?.wallMs ?? 0, doubt?.trustedMs ?? 0)) + MAX_KEEP_MS
  const warn = (message: string) => log('warn', message)
  const found = await findLostCopies(settings.dataDir, { volume, path, volumes: places, untilMs, warn })
  for (const { rid } of found) log('info', `What the recover ${rid} replaced in "${path}" was found again`)
}

async function drop(note: KeptNote, context: RunContext): Promise<void> {
  const { settings, signal } = context
  using volume = holdRealPath(note.volume)
  await dropKept(settings.dataDir, note, { volume, signal, warn: (message) => context.warn(message) })
}

function noSuchCopy(rid: string, volume: string): BackupdError {
  const what = `Nothing that the recover ${rid} replaced in "${volume}" is kept`
  return new BackupdError('NOT_FOUND', `${what}: it expired, was removed, or a later recover replaced it`)
}

function readNotes({ settings }: RunContext): Promise<KeptNote[]> {
  return readKeptNotes(settings.dataDir)
}

/** Nothing expires while the clock is in doubt. Copies that are replaced, or half removed, are always due. */
function findDueCopies(notes: readonly KeptNote[], context: RunContext): KeptNote[] {
  const { nowMs, doubt } = readRunTime(context)
  const present = new Set(listPresentNotes(notes))
  return notes.filter((note) => !present.has(note) || (!doubt && note.untilMs <= nowMs))
}
