import { Option } from 'commander'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'

const USUAL = '10m'

/** Parsed to milliseconds. */
export const OVERDUE_GRACE = new Option(
  '--overdue-grace <time>',
  'a planned backup is overdue this long after its time, or later if its runs usually take longer, such as 30m',
)
  .argParser(parseGrace)
  .default(parseGrace(USUAL), JSON.stringify(USUAL))

function parseGrace(text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--overdue-grace: ${messageOf(cause)}`, { cause })
  }
}
