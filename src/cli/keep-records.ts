import { Option } from 'commander'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'

const USUAL = '400d'

/** Parsed to milliseconds. */
export const KEEP_RECORDS = new Option(
  '--keep-records <time>',
  'records of runs and audit entries are deleted when they are older, such as 90d',
)
  .argParser(parseKeepRecords)
  .default(parseKeepRecords(USUAL), JSON.stringify(USUAL))

function parseKeepRecords(text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--keep-records: ${messageOf(cause)}`, { cause })
  }
}
