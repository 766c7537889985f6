import { z } from 'zod'
import type { Driver } from '../objects/driver.ts'
import { tryReadSmall } from '../objects/small-objects.ts'
import { type HiddenSum, hiddenSumSchema } from '../wire/hidden.ts'
import { HIDDEN_NOTE } from './layout.ts'

/**
 * `<ip>/.hidden`: what is hidden in the namespace, so that nobody has to list it to find out. It is written before the first
 * mark of a hidden archive, and may count more than there is; when the first is due, all are counted again.
 */
const hiddenNoteSchema = z.object({ archives: hiddenSumSchema.optional() })
export type HiddenNote = z.infer<typeof hiddenNoteSchema>

/** An unreadable note may have had something that is due. */
const UNKNOWN: HiddenNote = { archives: { count: 0, bytes: 0, until: 0 } }

export async function readHiddenNote(driver: Driver, ip: string): Promise<HiddenNote> {
  const { content, problem } = await tryReadSmall(driver, `${ip}/${HIDDEN_NOTE}`)
  if (!content) return problem === null ? {} : UNKNOWN
  try {
    return hiddenNoteSchema.parse(JSON.parse(content.toString()))
  } catch {
    return UNKNOWN
  }
}

/** Call it under exclusively(). */
export async function writeHiddenNote(driver: Driver, ip: string, note: HiddenNote): Promise<void> {
  await driver.replace(`${ip}/${HIDDEN_NOTE}`, Buffer.from(`${JSON.stringify(note)}\n`))
}

export function addHidden(sum: HiddenSum | undefined, more: HiddenSum): HiddenSum {
  if (!sum) return more
  const { count, bytes, until } = sum
  return {
    count: count + more.count,
    bytes: bytes + more.bytes,
    until: Math.min(until, more.until),
  }
}
