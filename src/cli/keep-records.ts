import { parseExpire } from '../lib/durations.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'

export const KEEP_RECORDS = {
  flag: '--keep-records <time>',
  text: 'records of runs and the audit are deleted when they are older, such as 90d; 400d unless given',
  usual: '400d',
} as const

/** Parses `400d` to milliseconds. @throws BAD_INPUT that names the flag */
export function parseKeepRecords(text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--keep-records: ${messageOf(cause)}`, { cause })
  }
}
