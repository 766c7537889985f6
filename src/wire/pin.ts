import { hash } from 'node:crypto'
import { z } from 'zod'
import { isMoment, moment, name, toWords, words } from './fields.ts'
import { isUnusualHold } from './hold.ts'

/**
 * Why a backup or a snapshot is kept because somebody asked for it. Like an UnusualHold it is one of the texts in `holds`, so
 * that versions that do not know pins respect it too.
 */
export interface BackupPin {
  /** Distinguishes the pins of a backup: the first digits of the hash of its text. */
  id: string
  /** ISO 8601; null for a text in `holds` that is not as backupd writes it. */
  at: string | null
  /** Who asked for it, in the words of the audit; null likewise. */
  by: string | null
  reason: string
  /** When it ends on its own, ISO 8601; null: it has to be released. */
  until: string | null
}

/** A pin that is asked for. */
export interface NewPin {
  by: string
  reason: string
  until: string | null
}

/** What is pinned: a full backup, a mirror, or a snapshot of an increment. */
export interface HeldThing {
  name: string
  /** Its id, or the first digits of it. */
  snapshot?: string | undefined
}

/** Of a backup or a snapshot, so that what keeps it stays short. */
export const MAX_PINS = 5
/** The pins of all its snapshots that are told with an increment; the list of its snapshots has all. */
export const MAX_LISTED_PINS = 20
export const MAX_PIN_REASON = 500
const MAX_BY = 300
const ID_DIGITS = 12
const ALWAYS = 'released'

const PIN = /^pin (?<at>\S+) until (?<until>\S+) by (?<by>"(?:[^"\\]|\\.)*"): (?<reason>.+)$/s

/** What a daemon is sent. */
export const pinFields = {
  by: name.transform((by) => by.slice(0, MAX_BY)),
  reason: words.refine(isPinReason, `expected 1 to ${MAX_PIN_REASON} characters`),
  until: moment.optional(),
}

/** The answer of a daemon: the text of the pin. */
export const pinAnswerSchema = z.object({ pin: words })

export function isPinReason(reason: string): boolean {
  return reason.trim() !== '' && reason.length <= MAX_PIN_REASON
}

/** @param at ISO 8601 */
export function printPin({ by, reason, until }: NewPin, at: string): string {
  return `pin ${at} until ${until ?? ALWAYS} by ${JSON.stringify(toWords(by))}: ${toWords(reason)}`
}

/** Any text but an UnusualHold is a pin: what is damaged, or was written by hand, has to be released as well. */
export function listPins(holds: readonly string[]): BackupPin[] {
  return holds.filter((text) => !isUnusualHold(text)).map(parsePin)
}

export function parsePin(text: string): BackupPin {
  const id = hash('sha256', text).slice(0, ID_DIGITS)
  const { at = '', until = '', by = '', reason = '' } = PIN.exec(text)?.groups ?? {}
  const who = parseBy(by)
  const isWhole = isMoment(at) && (until === ALWAYS || isMoment(until)) && who !== null
  if (!isWhole) return { id, at: null, by: null, reason: text, until: null }
  return { id, at, by: who, reason, until: until === ALWAYS ? null : until }
}

function parseBy(quoted: string): string | null {
  try {
    const by: unknown = JSON.parse(quoted)
    return typeof by === 'string' ? by : null
  } catch {
    return null
  }
}

/**
 * The texts in `holds` that still keep the backup: all but whole pins whose time has passed.
 * @param nowMs the trusted time, never a clock that is in doubt
 */
export function leaveOutEndedPins(holds: readonly string[], nowMs: number): string[] {
  return holds.filter((text) => !hasPinEnded(text, nowMs))
}

function hasPinEnded(text: string, nowMs: number): boolean {
  if (isUnusualHold(text)) return false
  const { until } = parsePin(text)
  return until !== null && Date.parse(until) <= nowMs
}
