import { isoTime } from '../../lib/clock.ts'
import type { KeptNote } from '../../volume/swap/kept-note.ts'
import type { KeptOld } from '../../wire/kept-old.ts'

export function describeKept({ path, rid, madeMs, untilMs, bytes, files }: KeptNote): KeptOld {
  return { volume: path, rid, made: isoTime(madeMs), until: isoTime(untilMs), bytes, files }
}
