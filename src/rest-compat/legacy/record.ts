import type { LegacyRecordFragment, RecordState } from '../../client/generated/operations.ts'
import { NEVER } from '../../lib/clock.ts'
import { goTime } from '../../lib/go-time.ts'
import { toLegacyJobId } from './job.ts'

type LegacyState = 'running' | 'success' | 'failed'

/** States unknown to the legacy system become `failed` with the reason, so that no script takes them for a success. */
const STATES: Readonly<Record<RecordState, LegacyState>> = {
  QUEUED: 'running',
  RUNNING: 'running',
  SUCCESS: 'success',
  PARTIAL: 'failed',
  FAILED: 'failed',
  CANCELLED: 'failed',
  LOST: 'failed',
}

export function toRestRecord(record: LegacyRecordFragment) {
  const { result } = record
  return {
    id: toLegacyJobId(record.jobId, record.action),
    spec: record.spec,
    action: record.action,
    args: record.args,
    type: record.scheduled ? 'cron' : 'once',
    sleep: false,
    rid: record.rid,
    result: result?.file == null ? null : { file: result.file, size: result.size ?? 0 },
    state: STATES[record.state],
    start: goTime(record.start),
    end: record.end === null ? NEVER : goTime(record.end),
    reason: record.reason ?? '',
  }
}

/** The states with a legacy name (`failed`) or our own name (`lost`); undefined for any other name. */
export function findStates(name: string): RecordState[] | undefined {
  const all = Object.entries(STATES) as [RecordState, LegacyState][]
  const found = all.filter(([state, legacy]) => legacy === name || state.toLowerCase() === name)
  return found.length > 0 ? found.map(([state]) => state) : undefined
}
