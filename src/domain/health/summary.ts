import type { VolumeState } from './states.ts'

export interface SummaryFacts {
  /** Volumes by their worst state. */
  counts: ReadonlyMap<VolumeState, number>
  /** Volumes with a recent proof that their backups can be restored. */
  proven: number
  /** The worst volume, as `/data/db of shop.web.web, instance 1: <because>`; null if all are well. */
  worst: string | null
  /** What is wrong with the controller itself. */
  controller: readonly string[]
  /** How many servers have which fault, such as `2 servers are SILENT`. */
  servers: readonly string[]
}

/** If this is the worst, there is a good backup within the schedule. */
const WITH_GOOD: readonly VolumeState[] = ['OK', 'UNPROVEN', 'UNUSUAL']

/** Answers "am I safe?" in one sentence, or else with the worst things first. */
export function summarize({ counts, proven, worst, controller, servers }: SummaryFacts): string {
  const sentences = [
    ...controller,
    `${describeVolumes(counts)}${describeProven(counts, proven)}`,
    worst === null ? [] : `The worst: ${worst}`,
    ...servers,
  ]
  return sentences
    .flat()
    .map((text) => text.trim().replace(/\.$/, ''))
    .join('. ')
}

function describeVolumes(counts: ReadonlyMap<VolumeState, number>): string {
  const total = sumVolumes(counts)
  if (total === 0) return 'The inventory names no volume'
  const good = WITH_GOOD.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0)
  const areAllOk = counts.get('OK') === total
  if (areAllOk && total === 1) return 'The only volume has a good backup within its schedule'
  if (areAllOk) return `All ${total} volumes have a good backup within their schedule`
  const bad = [...counts].filter(([state, count]) => state !== 'OK' && count > 0)
  const listed = bad.map(([state, count]) => `${count} ${PHRASES[state][count === 1 ? 0 : 1]}`)
  return `Of ${total} ${total === 1 ? 'volume' : 'volumes'}, ${listed.join(', ')}; ${good} ${good === 1 ? 'has' : 'have'} a good backup within ${good === 1 ? 'its' : 'their'} schedule`
}

function sumVolumes(counts: ReadonlyMap<VolumeState, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function describeProven(counts: ReadonlyMap<VolumeState, number>, proven: number): string {
  if (sumVolumes(counts) === 0) return ''
  if (proven === 0) return '; none is proven restorable yet'
  return `; ${proven} ${proven === 1 ? 'is' : 'are'} proven restorable`
}

/** For one volume, and for several. */
const PHRASES: Record<VolumeState, readonly [string, string]> = {
  CORRUPT: ['has a corrupt newest backup', 'have a corrupt newest backup'],
  NEVER: ['has no good backup', 'have no good backup'],
  OVERDUE: ['is overdue', 'are overdue'],
  FAILING: ['fails', 'fail'],
  SUSPECT: ['has a suspect newest backup', 'have a suspect newest backup'],
  PARTIAL: ['has a partial newest backup', 'have a partial newest backup'],
  UNUSUAL: ['had an unusual backup', 'had unusual backups'],
  UNPROVEN: ['lacks a recent proof', 'lack a recent proof'],
  PAUSED: ['is paused', 'are paused'],
  UNKNOWN: [
    'waits for its first backup or is not judged yet',
    'wait for their first backup or are not judged yet',
  ],
  OK: ['is well', 'are well'],
}
