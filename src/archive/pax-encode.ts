import { isUtf8 } from 'node:buffer'
import type { PaxRecord } from './pax-records.ts'

const LINE_FEED = Buffer.from('\n')

/**
 * Encodes the body of a pax header (POSIX.1-2017, pax, "pax Extended Header"), without padding. If a path is not UTF-8,
 * the first record is `hdrcharset=BINARY`.
 */
export function encodePaxRecords(records: readonly PaxRecord[]): Buffer {
  const binary = records.some(({ key, value }) => isPathKey(key) && !isUtf8(value))
  const all = binary ? [{ key: 'hdrcharset', value: Buffer.from('BINARY') }, ...records] : records
  return Buffer.concat(all.flatMap(encodeRecord))
}

function isPathKey(key: string): boolean {
  return key === 'path' || key === 'linkpath' || key === 'GNU.sparse.name'
}

/** `length key=value\n`; the length counts its own digits. */
function encodeRecord({ key, value }: PaxRecord): Buffer[] {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length++
  return [Buffer.from(`${length} ${key}=`, 'latin1'), value, LINE_FEED]
}

/** Formats nanoseconds since 1970 for pax: seconds, with as many decimals as necessary. */
export function formatPaxTime(ns: bigint): string {
  const sign = ns < 0n ? '-' : ''
  const digits = String(ns < 0n ? -ns : ns).padStart(10, '0')
  const fraction = digits.slice(-9).replace(/0+$/, '')
  return `${sign}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`
}
