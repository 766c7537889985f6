import { DAY_MS } from '../../../lib/time-units.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { DueBackup, VerifyDemand, VerifyPlan } from '../../../wire/verify-schedule.ts'

/** A backup whose proof would be kept, if it were read. */
export interface ProvableBackup
  extends Pick<BackupInfo, 'app' | 'proc' | 'name' | 'source' | 'mode' | 'size'> {
  namespace: string
  /** Unix ms. */
  createdMs: number
  /** Unix ms of its last proof; null if it has none. */
  provenMs: number | null
  /** It can be read in parts. */
  isSeries: boolean
  withinDays: number
}

export interface DueOptions {
  /** null: nothing is read. */
  budgetBytes: number | null
  /** Of the budget, for the rest of the night: larger archives are left out. */
  leftBytes: number | null
  /** Names of backups that are left out. */
  tried: readonly string[]
  /** Unix ms. */
  now: number
}

/** How many are named at once. */
const MAX_NEXT = 500
/** A proof this far in the future was dated by a wrong clock, and does not count. */
const MAX_FUTURE_MS = DAY_MS

/**
 * Which backups are due, and in which order. A proof is renewed after half of `within`, so that no night has to be in time.
 * The volume and mode whose newest proof is the oldest comes first, and each has a turn before one has a second; of each,
 * its newest backup without a proof, then the one with the oldest.
 */
export function chooseDue(backups: readonly ProvableBackup[], options: DueOptions): VerifyPlan {
  const demand = measureDemand(backups, options.budgetBytes)
  const due = findDue(backups, options)
  const next = takeTurns(due, findNewestProofs(backups, options.now)).slice(0, MAX_NEXT)
  return { next: next.map(toDue), hasMore: due.length > next.length, demand }
}

function findDue(
  backups: readonly ProvableBackup[],
  { budgetBytes, leftBytes, tried, now }: DueOptions,
): ProvableBackup[] {
  const isTried = new Set(tried)
  if (budgetBytes === null) return []
  return backups.filter((backup) => {
    const ageMs = now - (readProof(backup, now) ?? Number.NEGATIVE_INFINITY)
    const fits = backup.isSeries || backup.size <= (leftBytes ?? budgetBytes)
    return fits && !isTried.has(backup.name) && ageMs > (backup.withinDays * DAY_MS) / 2
  })
}

function readProof({ provenMs }: ProvableBackup, now: number): number | null {
  return provenMs !== null && provenMs <= now + MAX_FUTURE_MS ? provenMs : null
}

function keyOf({ source, mode }: ProvableBackup): string {
  return `${mode} ${source}`
}

/** By volume and mode; unix ms. */
function findNewestProofs(backups: readonly ProvableBackup[], now: number): Map<string, number> {
  const newest = new Map<string, number>()
  for (const backup of backups) {
    const proof = readProof(backup, now) ?? Number.NEGATIVE_INFINITY
    newest.set(keyOf(backup), Math.max(proof, newest.get(keyOf(backup)) ?? Number.NEGATIVE_INFINITY))
  }
  return newest
}

/** The first of each volume and mode, then the second of each, and so on. */
function takeTurns(
  due: readonly ProvableBackup[],
  newestProofs: ReadonlyMap<string, number>,
): ProvableBackup[] {
  const proofOf = ([key]: [string, unknown]) => newestProofs.get(key) ?? Number.NEGATIVE_INFINITY
  const groups = [...Map.groupBy(due, keyOf)]
    .sort((one, other) => compareNumbers(proofOf(one), proofOf(other)))
    .map(([, group]) => group.toSorted(compareDue))
  const longest = groups.reduce((most, { length }) => Math.max(most, length), 0)
  const turns = Array.from({ length: longest }, (_, at) => groups.flatMap((group) => group[at] ?? []))
  return turns.flat()
}

function compareDue(one: ProvableBackup, other: ProvableBackup): number {
  if (one.provenMs !== other.provenMs) return compareNumbers(one.provenMs ?? 0, other.provenMs ?? 0)
  return other.createdMs - one.createdMs
}

/** Also of infinite ones, whose difference is NaN. */
function compareNumbers(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1
}

function toDue({ app, proc, name, namespace, size, isSeries }: ProvableBackup): DueBackup {
  return { app, proc, backup: name, namespace, bytes: isSeries ? null : size }
}

/** Of a series, the content of its newest snapshot: what its packs take is not known before they are read. */
function measureDemand(backups: readonly ProvableBackup[], budgetBytes: number | null): VerifyDemand {
  const days = backups.map(({ withinDays }) => withinDays)
  const nightly = backups.reduce((sum, { size, withinDays }) => sum + size / withinDays, 0)
  const isTooLarge = ({ isSeries, size }: ProvableBackup) =>
    !isSeries && budgetBytes !== null && size > budgetBytes
  return {
    bytes: backups.reduce((sum, { size }) => sum + size, 0),
    nightlyBytes: Math.ceil(nightly),
    shortestDays: days.reduce((least, each) => Math.min(least, each), days[0] ?? 0),
    longestDays: days.reduce((most, each) => Math.max(most, each), 0),
    budgetBytes,
    tooLarge: backups.filter(isTooLarge).length,
  }
}
