import { realpath } from 'node:fs/promises'
import { z } from 'zod'
import { readHookJournals } from '../../../hooks/hook-journal.ts'
import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { findSystemErrorCode } from '../../../lib/system-errors.ts'
import { readPointers } from '../../../volume/swap/pointer.ts'
import { type SettledJournals, settleJournals } from '../../../volume/swap/settle.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin, RunContext, RunOutcome } from '../../plugin.ts'
import { findOwedHooks, finishOwedHooks } from '../finish-owed-hooks.ts'
import { openRunStore } from '../open-run-store.ts'

const settleArgsSchema = z.strictObject({
  /** Claim the namespace even if another daemon owns it. */
  takeOver: z.boolean().default(false),
  withStore: z.boolean().default(true),
  /** Finish copies in place and hooks of these volumes only; of all if left out. The others are listed in `copies` and `owedHooks`. */
  copiesOf: z.array(z.string()).optional(),
})
type SettleArgs = z.infer<typeof settleArgsSchema>

/**
 * Finishes or rolls back interrupted runs, on the volumes and in the store; the first run of a daemon. The volumes come
 * first and have a result even if the store is unavailable, because the daemon's volume locks are based on it.
 * Result: `settled`, `locked` (volume, journal, reason), `copies` and `owedHooks` (volume, rid), and of the store `rolledForward`,
 * `swept`, `unknown`, or `storeError` (code, message).
 */
export const settlePlugin: Plugin<SettleArgs> = {
  name: 'settle',
  parseArgs: (raw) => parseShape('The args of a settling run', raw, settleArgsSchema),
  needs: () => [],
  run: repair,
}

async function repair(
  { takeOver, withStore, copiesOf }: SettleArgs,
  context: RunContext,
): Promise<RunOutcome> {
  context.progress({ phase: 'settle' })
  const onPath = (path: Buffer) => context.progress({ currentPath: bytesToText(path) })
  const { dataDir } = context.settings
  const copies = copiesOf ? await findOtherCopies(dataDir, copiesOf) : []
  const journals = await settleJournals(dataDir, { onPath, leave: copies.map(({ rid }) => rid) })
  for (const warning of journals.warnings) context.warn(warning)
  const hooks = await repairHooks(context, copiesOf)
  const store = withStore ? await repairStore(takeOver, context) : NOTHING_DONE
  const reason = describeReasons([...journals.locked, ...hooks.locked], store)
  const result = {
    settled: [...journals.settled, ...hooks.settled].map((one) => ({ ...one })),
    locked: [...journals.locked, ...hooks.locked].map((one) => ({ ...one })),
    copies,
    owedHooks: hooks.others,
    ...store,
  }
  return { state: reason === '' ? 'success' : 'partial', reason, result }
}

function findRealPaths(volumes: readonly string[]): Promise<string[]> {
  return Promise.all(volumes.map((path) => realpath(path).catch(() => path)))
}

/** Interrupted copies in place on other volumes than these. */
async function findOtherCopies(
  dataDir: string,
  volumes: readonly string[],
): Promise<{ volume: string; rid: string }[]> {
  const real = await findRealPaths(volumes)
  const { pointers } = await readPointers(dataDir)
  const others = pointers.filter(({ phase, volume }) => phase === 'copy' && !real.includes(volume))
  return others.map(({ volume, rid }) => ({ volume, rid }))
}

/** Runs the hooks that are owed on these volumes. `others`: those on other volumes. */
async function repairHooks(context: RunContext, volumes: readonly string[] | undefined) {
  const real = volumes && (await findRealPaths(volumes))
  const { finished, locked } = await finishOwedHooks(context, await findOwedHooks(context, real))
  const { journals, broken } = await readHookJournals(context.settings.dataDir)
  const others = journals.filter(({ volume }) => real && !real.includes(volume))
  return {
    settled: [...finished, ...broken.map(({ rid, file }) => ({ volume: '', rid, unreadableHooks: file }))],
    locked,
    others: others.map(({ volume, rid }) => ({ volume, rid })),
  }
}

type StoreResult =
  | { rolledForward: string[]; swept: string[]; unknown: string[] }
  | { storeError: { code: string; message: string } }

const NOTHING_DONE: StoreResult = { rolledForward: [], swept: [], unknown: [] }

async function repairStore(takeOver: boolean, context: RunContext): Promise<StoreResult> {
  try {
    const store = await openRunStore(context, (message) => context.warn(message))
    await store.claim(takeOver)
    const { rolledForward, swept, unknown } = await store.settle()
    const locks = await store.removeStaleLocks(context.settings.dataDir)
    return { rolledForward, swept: [...swept, ...locks], unknown }
  } catch (error) {
    const code = error instanceof BackupdError ? error.code : (findSystemErrorCode(error) ?? 'INTERNAL')
    return { storeError: { code, message: messageOf(error) } }
  }
}

function describeReasons(locked: SettledJournals['locked'], store: StoreResult): string {
  const reasons = locked.map(({ volume, reason }) => `"${volume}" is locked: ${reason}`)
  if ('storeError' in store) reasons.push(store.storeError.message)
  return reasons.join('; ')
}
