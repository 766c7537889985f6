// The action backup_verify: reads a backup and compares it with its checksums. The store knows how, for each kind of
// backup, and notes what it found; this plugin turns the verdict into the end of a run.

import { BackupdError } from '../../../lib/errors.ts'
import { namedSteps } from '../../../lib/steps.ts'
import type { Store } from '../../../store/store.ts'
import type { StoredBackup } from '../../../store/stored-backup.ts'
import { parseShape } from '../../../wire/json.ts'
import { parseNamespace } from '../../../wire/namespace.ts'
import {
  VERIFY_ACTION,
  type VerifyArgs,
  type VerifyResult,
  verifyArgsSchema,
} from '../../../wire/verification.ts'
import type { Plugin, RunContext, RunOutcome } from '../../plugin.ts'
import { openRunStore } from '../open-run-store.ts'
import { ReadingTurns } from './reading-turns.ts'

/**
 * Proves that a backup can still be read. Fails with ARCHIVE_CORRUPT or SNAPSHOT_CORRUPT if it is damaged, and with the
 * error of the store if it cannot be read. It holds no volume, so backups go on meanwhile.
 */
export const backupVerifyPlugin: Plugin<VerifyArgs> = {
  name: VERIFY_ACTION,
  parseArgs(raw) {
    const args = parseShape('The args of a verification', raw, verifyArgsSchema)
    parseNamespace(args.namespace)
    return args
  },
  needs: () => [],
  run: runVerify,
}

async function runVerify(args: VerifyArgs, context: RunContext): Promise<RunOutcome> {
  const { step } = namedSteps(`Cannot verify "${args.backup}"`, context.signal)
  const warn = (message: string) => context.warn(message)
  const turns = new ReadingTurns(context)
  const how = { isProof: true, pace: () => turns.pace() }
  const store = await step('open the store', () => openRunStore(context, warn, how))
  const find = () => step('find the backup', () => openVerifiedBackup(store, args))
  const verdict = await step('read the backup', () => turns.verify(find))
  if (verdict.outcome === 'corrupt') throw describeCorrupt(args, verdict.error)
  if (verdict.outcome === 'unreadable') throw describeUnreadable(args, verdict.error)
  if (verdict.outcome === 'unfinished') return describeUnfinished(verdict.result)
  const present = await step('read the proof', () => readInfo(store, args))
  return describeVerified(verdict.result, present)
}

async function openVerifiedBackup(store: Store, { namespace, backup }: VerifyArgs): Promise<StoredBackup> {
  const found = await store.find(namespace, backup)
  if (found) return found
  throw new BackupdError('NOT_FOUND', `it does not exist in the namespace ${namespace}`)
}

async function readInfo(store: Store, args: VerifyArgs): Promise<StoredBackup['info']> {
  await using backup = await openVerifiedBackup(store, args)
  return backup.info
}

function describeCorrupt(
  { backup }: VerifyArgs,
  { code, message, facts, cause }: BackupdError,
): BackupdError {
  return new BackupdError(code, `Damage in "${backup}": ${message}`, { facts, cause })
}

function describeUnreadable(
  { backup }: VerifyArgs,
  { code, message, facts, cause }: BackupdError,
): BackupdError {
  const what = `Cannot verify "${backup}": not all of it can be read, which does not say that it is damaged: ${message}`
  return new BackupdError(code, what, { facts, cause })
}

function describeUnfinished(verification: VerifyResult): RunOutcome {
  const reason = 'It has read as much as the budget of this night allows, and goes on in the next one'
  return { state: 'success', reason, result: { verification } }
}

function describeVerified(result: VerifyResult, backup: StoredBackup['info']): RunOutcome {
  const problems = [...result.problems]
  if (backup.corrupt !== null) problems.push(describeMark(backup.corrupt))
  return {
    state: problems.length > 0 ? 'partial' : 'success',
    reason: problems.join('; '),
    result: { backup, verification: { ...result, problems } },
  }
}

/** Another run may have found damage that is later than this read. */
function describeMark(reason: string): string {
  return `it was read without damage, but stays marked as corrupt: ${reason}. Verify it again`
}
