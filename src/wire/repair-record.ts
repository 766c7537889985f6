// Repairs records with values out of bounds, from news, answers of daemons and rows of the catalog. Their valid parts
// are kept, because the end of a run must not be lost over a bad count in its result.

import { z } from 'zod'
import { json, name } from './fields.ts'
import { makeNoOutcome, type RunRecord, recordErrorSchema, recordSchema, runResultSchema } from './record.ts'
import { readBackup, readFields, UNKNOWN_TIME } from './repair-backup.ts'
import { MAX_PHASES, runPhaseSchema, runPhasesSchema } from './run-phase.ts'
import { addFlaw, makeLabel, printIssue } from './tolerant.ts'

const UNKNOWN_RECORD: Omit<RunRecord, 'rid'> = {
  seq: 0,
  attempt: 1,
  server: '0.0.0.0',
  jobId: '',
  spec: '',
  action: '',
  args: {},
  type: 'once',
  state: 'lost',
  start: UNKNOWN_TIME,
  ...makeNoOutcome(),
  phases: undefined,
}

/** The fields without which a record is useless. */
const requiredSchema = recordSchema.pick({
  rid: true,
  server: true,
  state: true,
  jobId: true,
  action: true,
  start: true,
  seq: true,
})

const list = z.array(z.unknown())
const names = list.transform((items) => items.filter((item) => name.safeParse(item).success))
const phases = list.transform((items) =>
  items.slice(0, MAX_PHASES).filter((item) => runPhaseSchema.safeParse(item).success),
)
const strings = list.transform((items) => items.filter((item) => typeof item === 'string'))

/** A list loses only its bad items; a bad backup is marked corrupt, so that it does not count as deleted. */
const RESULT_PARTS = new Map<string, z.ZodType>(
  Object.entries({
    ...runResultSchema.shape,
    backup: z.unknown().transform(readBackup),
    changed: list.transform((items) => items.flatMap((item) => readBackup(item) ?? [])),
    deleted: names,
    deletedSnapshots: names,
  }),
)

const partsShape = {
  ...recordSchema.shape,
  error: z.unknown().transform(repairError),
  result: z.unknown().transform(repairResult),
  warnings: strings.pipe(recordSchema.shape.warnings),
  phases: phases.pipe(runPhasesSchema).optional(),
}

export interface SortedRecords {
  good: RunRecord[]
  /** Records that could not be used, one sentence each. */
  setAside: string[]
  /** Parts left out of usable records, one sentence each. */
  mended: string[]
}

/** Parses records; leaves out invalid parts, and records that cannot be used at all. */
export function readRecords(values: readonly unknown[]): SortedRecords {
  const sorted: SortedRecords = { good: [], setAside: [], mended: [] }
  for (const value of values) {
    const parsed = recordSchema.safeParse(value)
    if (parsed.success) sorted.good.push(parsed.data)
    else sortFlawed(sorted, value, parsed.error)
  }
  return sorted
}

function sortFlawed(sorted: SortedRecords, value: unknown, error: z.ZodError): void {
  const required = requiredSchema.safeParse(value)
  if (required.success) {
    sorted.good.push(repairRecord(required.data.rid, value, error))
    addFlaw(sorted.mended, `${required.data.rid}: ${printIssue(error)}`)
  } else addFlaw(sorted.setAside, `${makeLabel(value)}: ${printIssue(required.error)}`)
}

/** Parses one record and repairs it if possible; otherwise raises an issue. */
export const tolerantRecordSchema: z.ZodType<RunRecord> = z.unknown().transform((value, context) => {
  const { good, setAside } = readRecords([value])
  if (good[0]) return good[0]
  context.issues.push({ code: 'custom', message: setAside[0] ?? 'expected a record', input: value })
  return z.NEVER
})

/** Reads a record of the catalog; always returns one, whatever is wrong with it. */
export function readRecordRow(rid: string, value: unknown): RunRecord {
  const parsed = recordSchema.safeParse(value)
  return parsed.success ? parsed.data : repairRecord(rid, value, parsed.error)
}

/** Leaves invalid parts out and says so in the reason. */
function repairRecord(rid: string, value: unknown, error: z.ZodError): RunRecord {
  const repaired = readFields(partsShape, value, UNKNOWN_RECORD)
  const reason = `${repaired.reason} (not all of this record can be read: ${printIssue(error)})`.trimStart()
  const warningCount = Math.max(repaired.warningCount, repaired.warnings.length)
  return { ...repaired, rid, reason, warningCount }
}

function repairError(value: unknown): RunRecord['error'] {
  const { code } = Object(value)
  if (!recordErrorSchema.shape.code.safeParse(code).success) return null
  return readFields(recordErrorSchema.shape, value, { code: '', message: '', facts: {} })
}

function repairResult(value: unknown): RunRecord['result'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const parts = Object.entries(value).flatMap(([key, part]) => {
    const parsed = (RESULT_PARTS.get(key) ?? json).safeParse(part)
    return parsed.success && parsed.data !== undefined ? [[key, parsed.data]] : []
  })
  return Object.fromEntries(parts)
}
