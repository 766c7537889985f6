import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { type MetricFamily, printGauges } from './metric-family.ts'
import { openProcessMetrics } from './process-metrics.ts'

/** Counters and histograms; few enough to be printed at once. */
export interface MetricsSource {
  metrics(): Promise<string>
}

export interface MetricsPage {
  sources: readonly MetricsSource[]
  families: readonly MetricFamily[]
  log: Log
}

/** The whole page in pieces, with what every process has. An error breaks it off, so that no part passes for the whole. */
export async function* printPage({ sources, families, log }: MetricsPage): AsyncGenerator<string> {
  try {
    for (const source of [openProcessMetrics(), ...sources]) yield await source.metrics()
    yield* printGauges(families)
  } catch (error) {
    log.error({ err: error }, `The page /metrics was broken off: ${messageOf(error)}`)
    throw error
  }
}
