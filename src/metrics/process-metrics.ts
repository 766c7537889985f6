import { collectDefaultMetrics, Registry } from 'prom-client'

/** Their names end like those of counters, although they are gauges: `promtool check metrics` refuses them. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]
/** Ms between two looks at the event loop: finer ones cost processor time. */
const LOOP_RESOLUTION_MS = 10

/** One for each process, because a standalone process serves two pages. */
let ofProcess: Registry | undefined

/** Memory, processor time, garbage collection and the delay of the event loop; measured from the first call on. */
export function openProcessMetrics(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS })
  for (const name of MISNAMED) ofProcess.removeSingleMetric(name)
  return ofProcess
}
