import { z } from 'zod'
import { bigCount, pathText, rid } from './fields.ts'
import { makePageLimit } from './page-limits.ts'
import { tolerantPage } from './tolerant.ts'

/** In this order, so that what would be lost comes first. `metadata`: content and type stay. */
export const STEP_KINDS = ['delete', 'overwrite', 'metadata', 'create'] as const
export type StepKind = (typeof STEP_KINDS)[number]

/** One path that a recover would change, as the record of its plan lists it. */
export const plannedStepSchema = z.object({
  /** Daemons of all versions count steps of metadata among those to overwrite. */
  action: z.enum(['create', 'overwrite', 'delete']),
  path: pathText,
  /** Of file content: what would be written or deleted. Absent from daemons that do not tell. */
  bytes: bigCount.optional(),
  /** Of an overwrite: only mode, owner, attributes, or the time of a link differ. */
  onlyMetadata: z.boolean().optional(),
})
export type PlannedStep = z.infer<typeof plannedStepSchema>

/** Where a step ends in what is kept: `delete.1234`. */
const stepPlaceText = z.string().max(40)

/** The same, as daemons that keep all steps of a plan answer. */
const keptStepSchema = z.object({
  kind: z.enum(STEP_KINDS),
  path: pathText,
  bytes: bigCount,
  /** Pass it as `after` to continue after this step. */
  place: stepPlaceText,
})
export type KeptStep = z.infer<typeof keptStepSchema>

/** The parts of such a place. */
export const stepPlaceSchema = z.object({
  kind: z.enum(STEP_KINDS),
  offset: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})

export const stepsArgs = z.object({
  /** Of the run that made the plan. */
  rid,
  kind: z.enum(STEP_KINDS).optional(),
  limit: makePageLimit(1000),
  after: stepPlaceText.default(''),
})

/** `next`: pass it as `after`, null if these were the last. */
export const stepPageSchema = tolerantPage('steps', keptStepSchema, { next: stepPlaceText.nullable() })
export type StepPage = z.infer<typeof stepPageSchema>
