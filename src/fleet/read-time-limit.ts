import { parseGoDuration } from '../lib/durations.ts'
import { messageOf } from '../lib/errors.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

/** Reads a time limit such as `2h`, in seconds; undefined if it cannot be used. @param maxSeconds whole hours */
export function readTimeLimit(reader: YamlReader, value: Value, maxSeconds: number): number | undefined {
  const text = reader.text(value, '2h')
  if (text === undefined) return undefined
  try {
    const seconds = Math.ceil(parseGoDuration(text) / 1000)
    if (seconds >= 1 && seconds <= maxSeconds) return seconds
    const range = `1s to ${maxSeconds / 3600}h`
    return reader.problem(value, `the time limit "${text}" is out of range, expected ${range}`)
  } catch (error) {
    return reader.problem(value, messageOf(error))
  }
}
