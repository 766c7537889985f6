// The action drill_check: whether the daemon's --drill-dir can be used, so that its operator hears that before a drill runs.

import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import { DRILL_CHECK_ACTION } from '../../../wire/drill.ts'
import { parseShape } from '../../../wire/json.ts'
import { requireDrillDir } from '../../drill-dir.ts'
import type { Plugin } from '../../plugin.ts'

/** `jobPaths`: the volumes of the daemon's jobs. */
const argsSchema = z.object({ jobPaths: z.array(z.string()) })
type Args = z.infer<typeof argsSchema>

/** Its result is `{ problem }`: a sentence with what to do, or null. */
export const drillCheckPlugin: Plugin<Args> = {
  name: DRILL_CHECK_ACTION,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The args of a check of --drill-dir', raw, argsSchema),
  needs: () => [],
  async run({ jobPaths }, { settings }) {
    return { state: 'success', reason: '', result: { problem: await findProblem(settings, jobPaths) } }
  },
}

async function findProblem(
  settings: Parameters<typeof requireDrillDir>[0],
  jobPaths: readonly string[],
): Promise<string | null> {
  try {
    await requireDrillDir(settings, jobPaths)
    return null
  } catch (error) {
    if (error instanceof BackupdError) return error.message
    throw error
  }
}
