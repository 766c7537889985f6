import type { Alarm } from '../../src/domain/alarms/alarm.ts'
import { nameServer } from '../../src/domain/alarms/alarm-items.ts'

/** An open alarm of a volume as the catalog has it. */
export function makeStoredAlarm(changes: Partial<Alarm> = {}): Alarm {
  return {
    ...{ id: 'alarm', seq: 1, raisedSeq: 1, key: 'db', parent: nameServer('10.0.0.1'), isGroup: false },
    ...{ kind: 'FAILING', severity: 'WARNING', target: { type: 'VOLUME', server: '10.0.0.1', volume: null } },
    ...{ apps: ['shop'], servers: ['10.0.0.1'], count: 1, since: 0, raisedAt: 0, clearedAt: null },
    ...{ message: 'The volume fails', acknowledged: null, isInSummary: false, told: [] },
    ...changes,
  }
}
