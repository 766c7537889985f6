import { Option } from 'commander'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'

const USUAL = '400d'

/** Parsed to milliseconds. */
export const KEEP_RECORDS = new Option(
  '--keep-records <time>',
  'records of runs are deleted when they are older, such as 90d',
)
  .argParser((text) => parseKeptTime('--keep-records', text))
  .default(parseKeptTime('--keep-records', USUAL), JSON.stringify(USUAL))

/** Parsed to milliseconds. */
export const KEEP_AUDIT = new Option(
  '--keep-audit <time>',
  'audit entries are deleted when they are older (default: as long as records)',
).argParser((text) => parseKeptTime('--keep-audit', text))

function parseKeptTime(flag: string, text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `${flag}: ${messageOf(cause)}`, { cause })
  }
}
