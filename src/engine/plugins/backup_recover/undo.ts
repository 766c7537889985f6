import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { namedSteps } from '../../../lib/steps.ts'
import { planFolder } from '../../../store/plan-folder.ts'
import type { OpenedBackup } from '../../../store/stored-backup.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { checkUsers } from '../../../volume/swap/check-users.ts'
import { type KeptNote, listPresentNotes, readKeptNotes } from '../../../volume/swap/kept-note.ts'
import { unprotectedRoot } from '../../../volume/swap/root-metadata.ts'
import { discardStaging } from '../../../volume/swap/staging.ts'
import { swapIn } from '../../../volume/swap/swap.ts'
import { openKeptContent, prepareUndo } from '../../../volume/swap/undo-staging.ts'
import type { VolumeClaim } from '../../../volume/swap/volume-claim.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import { parseShape } from '../../../wire/json.ts'
import { type UndoArgs, undoArgsSchema } from '../../../wire/kept-old.ts'
import type { RunResult } from '../../../wire/record.ts'
import type { RunContext, RunOutcome } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { describeKept } from '../describe-kept.ts'
import { closeOnFailure } from '../run-hooks.ts'
import { planChanges } from './plan-changes.ts'
import { refuseStalePlan } from './plan-check.ts'
import { chooseKeepTime, createWarnOnce, openTarget } from './recover.ts'
import { closeRecover, openRecoverHooks } from './recover-hooks.ts'

/** Throws BAD_INPUT. */
export function parseUndoArgs(raw: Readonly<Record<string, unknown>>): UndoArgs {
  return parseShape('The args of an undo', raw, undoArgsSchema)
}

/**
 * Puts back what a recover replaced, by the journal of a recover, and keeps what this replaces. If this throws, the
 * volume is unchanged, except for VOLUME_LOCKED.
 * @throws what the steps throw, each with the step's name, as runRecover does
 */
export async function runUndo(undo: UndoArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot undo the recover ${undo.kept}`, context.signal)
  const args = toRecoverArgs(undo, context)
  using volume = await step('check the volume', () => openTarget(args.destDir, context))
  const find = () => step('find what was kept', () => findKept(undo, context, volume))
  if (undo.plan) {
    const note = await find()
    const run = { args, context, source: describeSource(note, volume), volume }
    const { plan } = await step('plan', () => planChanges(run, null))
    return { state: 'success', reason: '', result: { plan } }
  }
  await using claim = await step('claim the volume', () => claimSettledVolume(context, volume.path))
  const note = await find()
  const source = describeSource(note, volume)
  await step('compare with the plan', () => refuseStalePlan({ args, context, source, volume }))
  const hooks = await step('check the hooks', () => openRecoverHooks(args, context, volume))
  const outcome = await closeOnFailure(hooks, context, async () => {
    await step('run pre_recover', () => hooks.begin(args.backup))
    return await step('swap', () => putBack({ args, context, note, volume }, claim))
  })
  return await closeRecover(outcome, hooks, context)
}

/** What the checks and hooks of recovers read. */
function toRecoverArgs({ kept, ...args }: UndoArgs, { settings }: RunContext): RecoverArgs {
  return { ...args, backup: `undo of ${kept}`, namespace: settings.ip, files: null, snapshot: null }
}

async function findKept({ kept, destDir }: UndoArgs, { settings }: RunContext, volume: HeldVolume) {
  const notes = listPresentNotes(await readKeptNotes(settings.dataDir))
  const note = notes.find((one) => one.rid === kept && one.volume === volume.path)
  if (note && volume.exists) return note
  const what = `nothing that it replaced in "${destDir}" is kept`
  const why = 'it was asked for no keepOld, or the copy expired, was removed, or a later recover replaced it'
  throw new BackupdError('NOT_FOUND', `${what}: ${why}`)
}

type PlannedSource = Pick<OpenedBackup, 'plan' | 'snapshot'>

function describeSource(note: KeptNote, volume: HeldVolume): PlannedSource {
  return {
    snapshot: String(note.madeMs),
    async plan(question) {
      await using content = await openKeptContent(note, volume)
      return await planFolder(content.self, question)
    },
  }
}

interface Undo {
  args: RecoverArgs
  context: RunContext
  note: KeptNote
  volume: HeldVolume
}

async function putBack({ args, context, note, volume }: Undo, claim: VolumeClaim): Promise<RunOutcome> {
  const inUse = args.inUse ?? 'refuse'
  await checkUsers(volume.currentPath(), { inUse, warn: createWarnOnce(context) })
  await using staging = await prepareUndo(claim, { rid: context.rid, volume, note })
  const warn = (message: string) => context.warn(message)
  const result: RunResult = { filesRestored: note.files, bytesRestored: note.bytes }
  let refused = 0
  const onRefused = (message: string) => {
    refused++
    warn(`${volume.path}: ${message}`)
  }
  try {
    context.progress({ phase: 'swap', currentPath: null })
    await swapIn(staging, {
      root: null,
      keptRoot: unprotectedRoot(note.root),
      signal: context.signal,
      warn,
      onRefused,
      keep: chooseKeepTime(args, context),
      onKept(kept) {
        result.keptOld = describeKept(kept)
      },
    })
  } finally {
    await discardStaging(staging).catch((error: unknown) =>
      warn(`"${note.staging}" could not be tidied up (${messageOf(error)}); the next run tries again`),
    )
  }
  const reason =
    refused === 0 ? '' : 'the metadata of the volume itself could not be restored; see the warnings'
  return { state: refused === 0 ? 'success' : 'partial', reason, result }
}
