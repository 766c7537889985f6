import { z } from 'zod'

/** The part of the trusted time that is stored across restarts. */
const clockNoteSchema = z.object({
  /** Unix ms. */
  trustedMs: z.number(),
  /** The boot clock at that time, ms. */
  bootMs: z.number(),
  bootId: z.string(),
  /** Wall clock minus trusted time since the clock last jumped, ms; 0 while it is trusted. */
  gapMs: z.number(),
  /** How long the clock has been steady while in doubt, summed over restarts, ms. */
  steadyMs: z.number(),
})
export type ClockNote = z.infer<typeof clockNoteSchema>

/** Parses a note; an unreadable one counts as missing, and the wall clock is then trusted, as at the first start. */
export function parseClockNote(text: string | undefined): ClockNote | undefined {
  if (text === undefined) return undefined
  try {
    return clockNoteSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
