import { z } from 'zod'
import { count, moment, words } from './fields.ts'
import { makePageLimit } from './page-limits.ts'
import { tolerantPage } from './tolerant.ts'

export const LOG_LEVELS = ['info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Characters of a line. */
export const MAX_LINE_LENGTH = 1000
/** A daemon keeps so many lines from the begin of a run, and so many from its end. */
export const FIRST_LINES = 500
export const LAST_LINES = 1500
const MAX_LINES_OF_PAGE = 500

/** A line of the log of a run, before it has its number. */
export interface NewLogLine {
  /** ISO 8601. */
  at: string
  level: LogLevel
  text: string
}

export const logLineSchema = z.object({
  /** From 1. A gap is that of lines that were not kept. */
  number: count,
  at: moment,
  /** One that this version does not know counts as the lowest. */
  level: z.enum(LOG_LEVELS).catch('info'),
  text: words,
})
export type LogLine = z.infer<typeof logLineSchema>

/** The lines after the number `after`. */
export const logPageArgs = z.object({
  after: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  limit: makePageLimit(MAX_LINES_OF_PAGE),
})
export type LogPageArgs = z.infer<typeof logPageArgs>

/** `GET /api/v1/cron/records/RID/log?after=N&limit=N`; `next`: pass it as `after`, null if these were the last. */
export const logPageSchema = tolerantPage('lines', logLineSchema, { next: count.nullable() })
export type LogPage = z.infer<typeof logPageSchema>
