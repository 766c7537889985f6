// The actions on what recovers replaced and kept: kept_list lists the copies and says which are due, kept_expire removes
// those, kept_drop removes one early, and kept_find finds them again if the data directory is lost. volume/swap has the
// rules; the daemon asks for the first, second and last on its own.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { tolerate } from '../../../lib/tolerate.ts'
import { resolveVolume } from '../../../volume/allowed-paths.ts'
import { holdRealPath } from '../../../volume/held-volume.ts'
import { dropKept } from '../../../volume/swap/drop-kept.ts'
import {
  type KeptNote,
  listPresentNotes,
  makeKeptFolder,
  readKeptNotes,
} from '../../../volume/swap/kept-note.ts'
import { findLostCopies } from '../../../volume/swap/sealed-note.ts'
import { parseShape } from '../../../wire/json.ts'
import {
  DROP_KEPT_ACTION,
  EXPIRE_KEPT_ACTION,
  FIND_KEPT_ACTION,
  LIST_KEPT_ACTION,
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
const pathsSchema = z.object({ paths: z.array(z.string()) })

/** Result: `kept`, the volumes that are `due`, and whether copies were never looked for: `isNew`. */
export const keptListPlugin: Plugin<object> = {
  name: LIST_KEPT_ACTION,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The args of a list of kept copies', raw, z.object({})),
  needs: () => [],
  async run(_args, context) {
    const notes = await readNotes(context)
    const present = listPresentNotes(notes)
    const kept = present.slice(0, MAX_KEPT_LISTED).map(describeKept)
    const due = [...new Set(findDueCopies(notes, context).map(({ volume }) => volume))]
    const folder = await tolerate(['ENOENT'], () => stat(join(context.settings.dataDir, 'kept')))
    return { state: 'success', reason: '', result: { kept, due, isNew: folder === undefined } }
  },
}

/** Removes of one volume what has expired, and what a newer copy replaces. */
export const keptExpirePlugin: Plugin<z.infer<typeof volumeSchema>> = {
  name: EXPIRE_KEPT_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of an expiry of kept copies', raw, volumeSchema),
  needs: ({ destDir }) => [destDir],
  async run({ destDir }, context) {
    await using _claim = await claimSettledVolume(context, destDir)
    const due = findDueCopies(await readNotes(context), context).filter(({ volume }) => volume === destDir)
    for (const note of due) {
      await drop(note, context)
      context.log(
        'info',
        `What the recover ${note.rid} replaced in "${destDir}" was kept until now, and is removed`,
      )
    }
    return { state: 'success', reason: '', result: {} }
  },
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

/** Notes the copies of these volumes that were made before the data directory was lost. */
export const keptFindPlugin: Plugin<z.infer<typeof pathsSchema>> = {
  name: FIND_KEPT_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of a search for kept copies', raw, pathsSchema),
  needs: () => [],
  async run({ paths }, context) {
    for (const path of paths) {
      context.signal.throwIfAborted()
      context.progress({ currentPath: path })
      await findIn(path, context).catch((error: unknown) =>
        context.log('warn', `Kept copies of "${path}" cannot be looked for: ${messageOf(error)}`),
      )
    }
    await makeKeptFolder(context.settings.dataDir)
    return { state: 'success', reason: '', result: {} }
  },
}

async function findIn(path: string, { settings, log }: RunContext): Promise<void> {
  using volume = await resolveVolume(path, settings)
  for (const { rid } of await findLostCopies(settings.dataDir, volume, (message) => log('warn', message)))
    log('info', `What the recover ${rid} replaced in "${path}" was found again`)
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

function readNotes({ settings, log }: RunContext): Promise<KeptNote[]> {
  return readKeptNotes(settings.dataDir, (file, error) =>
    log('warn', `"${file}" cannot be read: ${messageOf(error)}`),
  )
}

/** Nothing expires while the clock is in doubt. Copies that are replaced, or half removed, are always due. */
function findDueCopies(notes: readonly KeptNote[], context: RunContext): KeptNote[] {
  const { nowMs, doubt } = readRunTime(context)
  const present = new Set(listPresentNotes(notes))
  return notes.filter((note) => !present.has(note) || (!doubt && note.untilMs <= nowMs))
}
