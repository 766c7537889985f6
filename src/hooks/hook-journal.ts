import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { removeUnfinishedWrites, syncFolder, writeFileAtomically } from '../lib/atomic-file.ts'
import { errnoOf, messageOf } from '../lib/errors.ts'
import { tolerate } from '../lib/tolerate.ts'
import { HOOK_STATES, HOOK_WORDS, hookSchema } from '../wire/hook.ts'
import { RID_PATTERN } from '../wire/ids.ts'
import { parseJson } from '../wire/json.ts'
import { hookRunSchema } from '../wire/record.ts'

const callSchema = z.object({
  word: z.enum(HOOK_WORDS),
  container: z.string().nullable(),
  id: z.string(),
  attempt: z.number().int().positive(),
  startedMs: z.number(),
  handle: z.union([z.object({ pid: z.number().int().min(2) }), z.object({ exec: z.string() })]).nullable(),
  /** Whether it has ended; false if it is not known. */
  ended: z.boolean(),
  /** What the record will say of it. Not worth a journal that cannot be read. */
  run: hookRunSchema.optional().catch(undefined),
})
export type NotedCall = z.infer<typeof callSchema>

/**
 * `<dataDir>/hooks/<rid>.json`: which hooks a run has begun and ended, so that the rest can be run after a crash. Written
 * and synced before each hook begins. It exists as long as the run owes hooks.
 */
const journalSchema = z.object({
  format: z.literal(1),
  rid: z.string(),
  /** Real path. */
  volume: z.string(),
  /** The part of the environment that is the same for all hooks of the run. */
  env: z.record(z.string(), z.string()),
  hooks: z.array(hookSchema),
  /** `running` until the run has ended. */
  state: z.enum(HOOK_STATES),
  /** The containers in which the hooks have begun; null: this machine. */
  begun: z.array(z.string().nullable()),
  /** The last call of each hook in each place. */
  calls: z.array(callSchema),
})
export type HookJournal = z.infer<typeof journalSchema>

export function hooksFolder(dataDir: string): string {
  return join(dataDir, 'hooks')
}

export function hookJournalFile(dataDir: string, rid: string): string {
  return join(hooksFolder(dataDir), `${rid}.json`)
}

export async function saveHookJournal(dataDir: string, journal: HookJournal): Promise<void> {
  await mkdir(hooksFolder(dataDir), { recursive: true, mode: 0o700 })
  await writeFileAtomically(hookJournalFile(dataDir, journal.rid), JSON.stringify(journal))
}

/** No error if it does not exist. Only for the process that alone writes it. */
export async function deleteHookJournal(dataDir: string, rid: string): Promise<void> {
  const file = hookJournalFile(dataDir, rid)
  await rm(file, { force: true })
  removeUnfinishedWrites(file)
  await syncFolder(hooksFolder(dataDir))
}

export interface FoundHookJournals {
  journals: HookJournal[]
  /** Files that cannot be read as journals. */
  broken: { rid: string; file: string; reason: string }[]
}

/** The journals of runs that owe hooks, or still run. */
export async function readHookJournals(dataDir: string): Promise<FoundHookJournals> {
  const found: FoundHookJournals = { journals: [], broken: [] }
  for (const name of await listJournals(dataDir)) {
    const file = join(hooksFolder(dataDir), name)
    try {
      found.journals.push(parseJson(file, await readFile(file, 'utf8'), journalSchema))
    } catch (error) {
      const rid = name.slice(0, -'.json'.length)
      if (errnoOf(error) !== 'ENOENT') found.broken.push({ rid, file, reason: messageOf(error) })
    }
  }
  return found
}

/** The runs whose first journal was not written to its end: they have begun no hook, or still write it. */
export async function listUnwrittenRuns(dataDir: string): Promise<string[]> {
  const names = await listHookFiles(dataDir)
  const rids = names.flatMap((name) => /^([\w-]+)\.json\.tmp-\d+$/.exec(name)?.[1] ?? [])
  return rids.filter((rid) => RID_PATTERN.test(rid) && !names.includes(`${rid}.json`))
}

async function listJournals(dataDir: string): Promise<string[]> {
  const names = await listHookFiles(dataDir)
  return names.filter((name) => name.endsWith('.json') && RID_PATTERN.test(name.slice(0, -'.json'.length)))
}

async function listHookFiles(dataDir: string): Promise<string[]> {
  return (await tolerate(['ENOENT'], () => readdir(hooksFolder(dataDir)))) ?? []
}
