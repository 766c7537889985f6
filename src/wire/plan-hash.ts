// The hash of a plan of a recover: what is recovered, where to, and which paths would be deleted or replaced, not what
// they contain. It begins with short digests of its parts, so that a comparison can say which part changed.

import { createHash, hash } from 'node:crypto'
import { posix } from 'node:path'
import { z } from 'zod'

/** 8 digits for each part, in the order of PLAN_PARTS, then the SHA-256 of all parts and paths. */
export const planHashSchema = z.string().regex(/^[0-9a-f]{96}$/, 'expected the `planHash` of a plan')

const PLAN_PARTS = ['backup', 'files', 'target', 'snapshot'] as const
export type PlanPart = (typeof PLAN_PARTS)[number]
const PART_LENGTH = 8

export interface PlanScope {
  namespace: string
  backup: string
  files: readonly string[] | null
  /** The server of the target. */
  server: string
  path: string
}

/** What the paths are for; the controller does not know which snapshot is the newest. */
export interface PlanSubject extends PlanScope {
  snapshot: string
}

type PartTexts = Record<PlanPart, string>

function listPartTexts({ namespace, backup, files, server, path }: PlanScope): Omit<PartTexts, 'snapshot'> {
  return {
    backup: JSON.stringify([namespace, backup]),
    files: JSON.stringify(files && [...new Set(files)].sort()),
    target: JSON.stringify([server, posix.resolve('/', path)]),
  }
}

/** The parts in which the hash is about something else. Without a snapshot, that part is not compared. */
export function findChangedParts(planHash: string, scope: PlanScope & { snapshot?: string }): PlanPart[] {
  const { snapshot } = scope
  const texts: Partial<PartTexts> = {
    ...listPartTexts(scope),
    ...(snapshot !== undefined && { snapshot }),
  }
  return PLAN_PARTS.filter((part, n) => {
    const text = texts[part]
    const quoted = planHash.slice(n * PART_LENGTH, (n + 1) * PART_LENGTH)
    return text !== undefined && digestPart(text) !== quoted
  })
}

function digestPart(text: string): string {
  return hash('sha256', text).slice(0, PART_LENGTH)
}

export type PathFate = 'delete' | 'replace'

/** Computes the hash of a plan from its paths, which have to come in the order of the walk. */
export class PlanHasher {
  readonly #parts: string
  readonly #hash = createHash('sha256')

  constructor(subject: PlanSubject) {
    const texts: PartTexts = { ...listPartTexts(subject), snapshot: subject.snapshot }
    const ordered = PLAN_PARTS.map((part) => texts[part])
    this.#parts = ordered.map(digestPart).join('')
    this.#hash.update(JSON.stringify(ordered))
  }

  /** A name of Linux has no NUL, so that ends a path. */
  add(fate: PathFate, path: Buffer): void {
    this.#hash.update(fate === 'delete' ? '\0d' : '\0r').update(path)
  }

  digest(): string {
    return `${this.#parts}${this.#hash.digest('hex')}`
  }
}

const TEXTS: Readonly<Record<PlanPart, string>> = {
  backup: 'it is of another backup',
  files: 'it is of other files',
  target: 'it is of another target',
  snapshot: 'it is of another snapshot',
}

/** A clause that says which parts of the quoted plan are about something else. */
export function describeChangedParts(parts: readonly PlanPart[]): string {
  return parts.map((part) => TEXTS[part]).join(', ')
}
