import { NEVER } from '../lib/clock.ts'
import { type LegacyRecord, type RunRecord, type RunResult, runResultSchema } from '../wire/record.ts'

/** Converts a post of a legacy daemon. Start and end may come in either order, so the end gets the higher `seq`. */
export function fromLegacyRecord(legacy: LegacyRecord, server: string): RunRecord {
  const ended = legacy.end !== NEVER && legacy.state !== 'running'
  const failed = legacy.state !== 'running' && legacy.state !== 'success'
  return {
    rid: legacy.rid,
    seq: ended ? 2 : 1,
    attempt: 1,
    server,
    jobId: legacy.id,
    spec: legacy.spec,
    action: legacy.action,
    args: legacy.args ?? {},
    type: legacy.type === 'cron' ? 'cron' : 'once',
    state: !ended ? 'running' : failed ? 'failed' : 'success',
    start: legacy.start,
    end: ended ? legacy.end : null,
    reason: legacy.reason,
    error: ended && failed ? { code: 'DAEMON_REFUSED', message: legacy.reason, facts: {} } : null,
    warnings: [],
    warningCount: 0,
    result: parseLegacyResult(legacy.result),
    progress: null,
  }
}

function parseLegacyResult(result: unknown): RunResult | null {
  if (typeof result !== 'object' || result === null) return null
  const { file, size } = result as { file?: unknown; size?: unknown }
  const parsed = runResultSchema.safeParse({ file, size: Number(size) || 0 })
  return parsed.success && parsed.data.file !== undefined ? parsed.data : null
}
