// The phases of a record as `[name, ms, bytes, gap]`: ms is null for a phase without an end, the gap is that between the
// phase before it (for the first one the start of the run) and its start. Zeros at the end are left out.

import { isDeepStrictEqual } from 'node:util'
import { isoTime } from '../lib/clock.ts'
import type { RunPhase } from '../wire/run-phase.ts'

/** @param start of the record. @returns the phases themselves if they would read differently */
export function printSlimPhases(phases: readonly RunPhase[], start: string): unknown[] {
  let before = Date.parse(start)
  const slim = phases.map((phase) => {
    const [from, to] = [Date.parse(phase.start), phase.end === null ? null : Date.parse(phase.end)]
    const values = [to === null ? null : to - from, phase.bytes, from - before]
    before = to ?? from
    while (values.at(-1) === 0) values.pop()
    return [phase.name, ...values]
  })
  return isDeepStrictEqual(parseSlimPhases(slim, start), phases) ? slim : [...phases]
}

/** @returns a value for a parser */
export function parseSlimPhases(slim: unknown, start: unknown): unknown {
  if (!Array.isArray(slim)) return slim
  let before = Date.parse(String(start))
  return slim.map((one) => {
    if (!Array.isArray(one)) return one
    const [name, ms = 0, bytes = 0, gap = 0] = one
    const from = before + Number(gap)
    before = from + Number(ms ?? 0)
    return { name, start: print(from), end: ms === null ? null : print(before), bytes }
  })
}

/** Without a time, no parser accepts the phase. */
function print(ms: number): string {
  return Number.isNaN(ms) ? '' : isoTime(ms)
}
