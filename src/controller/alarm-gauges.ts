import { ALARM_SEVERITIES } from '../domain/alarms/alarm.ts'
import type { World } from '../domain/world.ts'
import { printLabels } from '../metrics/label-text.ts'
import type { MetricFamily, MetricSample } from '../metrics/metric-family.ts'

/** The open alarms: six series, however many there are. */
export function listAlarmGauges(world: World): MetricFamily[] {
  return [
    {
      name: 'backupd_open_alarms',
      help: 'Alarms that are not cleared, by severity, and whether somebody takes care.',
      samples: () => countOpen(world),
    },
  ]
}

function* countOpen({ alarms }: World): Generator<MetricSample> {
  const open = alarms.book.list().filter(({ clearedAt }) => clearedAt === null)
  for (const severity of ALARM_SEVERITIES)
    for (const isAcknowledged of [false, true]) {
      const counted = open.filter(
        (alarm) => alarm.severity === severity && (alarm.acknowledged !== null) === isAcknowledged,
      )
      yield [printLabels({ severity, acknowledged: String(isAcknowledged) }), counted.length]
    }
}
