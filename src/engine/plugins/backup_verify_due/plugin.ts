// The action backup_verify_due: finds out which backups of the own namespace are to be verified now, and in which order.
// It reads lists and notes only; the engine (verify-night.ts) then verifies them one after another.

import { z } from 'zod'
import type { Store } from '../../../store/store.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import { bigCount } from '../../../wire/fields.ts'
import { parseShape } from '../../../wire/json.ts'
import { VERIFY_DUE_ACTION, verifyDueArgsSchema } from '../../../wire/verify-schedule.ts'
import type { Plugin, RunContext } from '../../plugin.ts'
import { readRunTime } from '../../run-time.ts'
import { openRunStore } from '../open-run-store.ts'
import { chooseDue, type ProvableBackup } from './choose-due.ts'

/** Read from the store at once. */
const PAGE_LIMIT = 1000

const argsSchema = verifyDueArgsSchema.extend({
  budgetBytes: bigCount.nullable(),
  /** What is left of it in this night; the daemon adds it. */
  leftBytes: bigCount.nullable().default(null),
  /** Names of backups that are left out; the daemon adds them. */
  tried: z.array(z.string()).default([]),
})
type Args = z.infer<typeof argsSchema>

export const backupVerifyDuePlugin: Plugin<Args> = {
  name: VERIFY_DUE_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of a verify job', raw, argsSchema),
  needs: () => [],
  async run(args, context) {
    const store = await openRunStore(context, (message) => context.log('warn', message))
    const backups = await listProvable(store, args, context)
    const plan = chooseDue(backups, { ...args, now: readRunTime(context).nowMs })
    return { state: 'success', reason: '', result: { ...plan } }
  },
}

async function listProvable(store: Store, { rules }: Args, context: RunContext): Promise<ProvableBackup[]> {
  const { ip } = context.settings
  const withinDays = new Map(rules.flatMap((rule) => rule.sources.map((source) => [source, rule.withinDays])))
  const found: ProvableBackup[] = []
  for (let after: string | null = ''; after !== null; ) {
    context.signal.throwIfAborted()
    const page = await store.list(ip, { after, limit: PAGE_LIMIT })
    for (const info of page.backups) {
      const within = withinDays.get(info.source)
      if (within !== undefined && isProvable(info)) found.push(describe(info, within))
    }
    after = page.next
  }
  return found
}

/** Archives of the legacy system and mirrors have no checksum to be compared with; what is known to be damaged is. */
function isProvable({ series, sha256, corrupt }: BackupInfo): boolean {
  return series !== null || (sha256 !== null && corrupt === null)
}

function describe(info: BackupInfo, withinDays: number): ProvableBackup {
  const { app, proc, name, source, mode, size, created, verified, series } = info
  const at = { createdMs: Date.parse(created), provenMs: verified === null ? null : Date.parse(verified) }
  return {
    app,
    proc,
    name,
    namespace: info.server,
    source,
    mode,
    size,
    ...at,
    isSeries: series !== null,
    withinDays,
  }
}
