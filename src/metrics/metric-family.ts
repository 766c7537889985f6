import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { printLabels } from './label-text.ts'

/** The text format of Prometheus. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All samples of one name. */
export interface MetricFamily {
  name: string
  /** One line. */
  help: string
  /** Called once for each page. */
  samples(): Iterable<MetricSample>
}

/** The labels as printLabels prints them, empty without any. */
export type MetricSample = readonly [labels: string, value: number]

/** Characters that are sent at a time. */
const PIECE_SIZE = 64 * 1024
/** How long samples may be printed before timers and sockets get their turn. */
const SLICE_MS = 10

/** Prints gauges in pieces, as fast as they are read, with turns of the event loop between them. */
export async function* printGauges(families: Iterable<MetricFamily>): AsyncGenerator<string> {
  let text = ''
  let turned = performance.now()
  for (const { name, help, samples } of families) {
    text += `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`
    for (const sample of samples()) {
      text += printSample(name, sample)
      if (text.length >= PIECE_SIZE) {
        yield text
        text = ''
      }
      if (performance.now() - turned < SLICE_MS) continue
      await eventLoopTurn()
      turned = performance.now()
    }
  }
  yield text
}

function printSample(name: string, [labels, value]: MetricSample): string {
  return labels === '' ? `${name} ${printNumber(value)}\n` : `${name}{${labels}} ${printNumber(value)}\n`
}

function printNumber(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** A gauge with one sample; without a value it has none. */
export function makeGauge(name: string, help: string, value: number | null | undefined): MetricFamily {
  const samples: MetricSample[] = value == null ? [] : [['', value]]
  return { name, help, samples: () => samples }
}

/** A gauge with one sample for each of these values of a label. */
export function makeCounts(
  { name, help }: Pick<MetricFamily, 'name' | 'help'>,
  label: string,
  counts: Iterable<readonly [string, number]>,
): MetricFamily {
  return {
    name,
    help,
    samples: () => Array.from(counts, ([value, count]) => [printLabels({ [label]: value }), count]),
  }
}

/** Of a program; `version` says which one answers. */
export function makeBuildInfo(program: string, version: string): MetricFamily {
  const help = 'Always 1: which program answers, and its version.'
  return { name: 'backupd_build_info', help, samples: () => [[printLabels({ program, version }), 1]] }
}
