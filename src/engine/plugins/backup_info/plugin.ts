import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import { openSeries } from '../../../store/kinds/series/open-series.ts'
import { infoOfSeries } from '../../../store/kinds/series/series-info.ts'
import { openStore } from '../../../store/open-store.ts'
import { parseBackupName } from '../../../wire/archive-name.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'

const infoArgsSchema = z.object({ namespace: z.string(), name: z.string() })
type InfoArgs = z.infer<typeof infoArgsSchema>

/** One backup, as wire backupInfoSchema. Throws NOT_FOUND. */
export const backupInfoPlugin: Plugin<InfoArgs> = {
  name: 'backup_info',
  query: true,
  parseArgs: (raw) => parseShape('The question for a backup', raw, infoArgsSchema),
  needs: () => [],
  async run({ namespace, name }, { settings, clock, log }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    await using opened = parseBackupName(name) ? null : ((await openSeries(store, namespace, name)) ?? null)
    if (opened) return { state: 'success', reason: '', result: infoOfSeries(namespace, opened.series) }
    const found = await store.find(namespace, name)
    if (!found)
      throw new BackupdError('NOT_FOUND', `There is no backup "${name}" in the namespace ${namespace}`)
    return { state: 'success', reason: '', result: found.info }
  },
}
