// What `/metrics` of both programs share: how gauges are printed (metric-family.ts, label-text.ts), and what prom-client
// counts for us: the process (process-metrics.ts) and the runs that ended (run-meter.ts). What a page says of the present
// state is read when it is asked for; so nothing is kept for a volume, and nothing is left of one that is gone.
// daemon/ and controller/ say what their pages have. It may import lib and wire, and it knows neither program.

import { createHash } from 'node:crypto'
import { withoutControls } from '../lib/plain-text.ts'

/** UTF-16 units; a longer value is cut, and a digest keeps it apart from others that begin alike. */
const MAX_LABEL_LENGTH = 128
const DIGEST_LENGTH = 8
/** Printable ASCII but `"` and `\`. */
const PLAIN = /^[ !#-[\]-~]*$/

/** `app="shop",volume="/data/db"`. Values may be anything, the names of labels are ours. */
export function printLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${printValue(value)}"`)
    .join()
}

function printValue(value: string): string {
  if (value.length <= MAX_LABEL_LENGTH && PLAIN.test(value)) return value
  return makeSafe(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}

/** Two values that were changed and look alike stay apart: Prometheus takes two samples of one name as an error. */
function makeSafe(value: string): string {
  const cut = value.slice(0, MAX_LABEL_LENGTH)
  const safe = withoutControls(cut).toWellFormed()
  if (safe === value) return value
  const digest = createHash('sha256').update(value, 'utf16le').digest('hex').slice(0, DIGEST_LENGTH)
  return `${safe}…${digest}`
}
