// The action backup_drill_due: finds out which backups of the own namespace are to be drilled now, and in which order. It reads
// lists only; the engine (drill-round.ts) then drills them one after another.

import type { BackupInfo } from '../../../wire/backup.ts'
import { DRILL_DUE_ACTION, type DrillDueArgs, drillDueArgsSchema } from '../../../wire/drill-schedule.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin, RunContext } from '../../plugin.ts'
import { openRunStore } from '../open-run-store.ts'
import { chooseDrills } from './choose-drills.ts'

/** Read from the store at once. */
const PAGE_LIMIT = 1000

export const backupDrillDuePlugin: Plugin<DrillDueArgs> = {
  name: DRILL_DUE_ACTION,
  quiet: true,
  parseArgs: (raw) => parseShape('The args of a drill job', raw, drillDueArgsSchema),
  needs: () => [],
  async run(args, context) {
    const plan = chooseDrills(await listWanted(args, context))
    return { state: 'success', reason: '', result: { ...plan } }
  },
}

async function listWanted({ sources }: DrillDueArgs, context: RunContext): Promise<BackupInfo[]> {
  const store = await openRunStore(context, (message) => context.log('warn', message))
  const wanted = new Set(sources)
  const found: BackupInfo[] = []
  for (let after: string | null = ''; after !== null; ) {
    context.signal.throwIfAborted()
    const page = await store.list(context.settings.ip, { after, limit: PAGE_LIMIT })
    found.push(...page.backups.filter(({ source }) => wanted.has(source)))
    after = page.next
  }
  return found
}
