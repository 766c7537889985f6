import { z } from 'zod'

/** What of the trusted time outlives the program. */
const clockNoteSchema = z.object({
  /** Unix ms. */
  trustedMs: z.number(),
  /** The boot clock then, ms. */
  bootMs: z.number(),
  bootId: z.string(),
  /** Wall clock minus trusted time since the clock last jumped, ms; 0 while it is trusted. */
  gapMs: z.number(),
  /** How long the clock has been steady while in doubt, summed over restarts, ms. */
  steadyMs: z.number(),
})
export type ClockNote = z.infer<typeof clockNoteSchema>

/** A note that cannot be read counts as none: the wall clock is trusted then, as at the first start. */
export function parseClockNote(text: string | undefined): ClockNote | undefined {
  if (text === undefined) return undefined
  try {
    return clockNoteSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
