// How the runs of a volume usually are, and which run is not: a mass deletion, or files that were all encrypted.
// The daemon judges each run before it is published, by numbers that travel from backup to backup: every manifest and
// every snapshot has those of the runs before it. So neither the catalog nor the controller is needed, and backups that
// expired still count. judge-run.ts has the rule; judge-archive.ts and judge-snapshot.ts
// keep the last good point before an unusual run.

/** What a run says of its volume. */
export interface RunNumbers {
  /** Of file content. */
  bytes: number
  files: number
  /** The share of the files of the run before whose content changed or that are gone, 0 to 1; null if it is not known. */
  changed: number | null
}

export const DEVIATIONS = ['smaller', 'larger', 'fewer', 'more', 'changed'] as const
/** How a run can differ from those before it. */
export type Deviation = (typeof DEVIATIONS)[number]

export interface PastDeviation {
  deviation: Deviation
  /** Days since 1970, UTC. */
  day: number
}

export interface RunHistory {
  /** The last runs of the same mode, oldest first. */
  runs: readonly RunNumbers[]
  /** Of the last weeks, oldest first. */
  deviations: readonly PastDeviation[]
}

export const MAX_RUNS = 20
const MAX_DEVIATIONS = 16
/** A deviation of longer ago says nothing about what is usual now. */
export const MEMORY_DAYS = 35

export const NO_HISTORY: RunHistory = { runs: [], deviations: [] }

export function addRun(
  { runs, deviations }: RunHistory,
  run: RunNumbers,
  found: readonly PastDeviation[] = [],
): RunHistory {
  return {
    runs: [...runs, run].slice(-MAX_RUNS),
    deviations: [...deviations, ...found].slice(-MAX_DEVIATIONS),
  }
}

/** A backup, as far as the next run is compared with it. */
export interface PastRun extends Pick<RunNumbers, 'bytes' | 'files'> {
  /** Absent if an older version made it. */
  history?: string | undefined
  /** Neither corrupt nor of an empty or unmounted volume. */
  usable: boolean
}

/** The newest history, and what is known of the backups since, which an older version made. @param runs oldest first */
export function joinHistory(runs: readonly PastRun[]): RunHistory {
  const known = runs.findLastIndex(({ history }) => history !== undefined)
  const start = parseHistory(runs[known]?.history ?? '')
  return runs
    .slice(known + 1)
    .filter(({ usable }) => usable)
    .reduce((history, { bytes, files }) => addRun(history, { bytes, files, changed: null }), start)
}

/**
 * `<bytes> <files> <changed, per mille, or ->,…|<deviation> <day>,…`: short, because every backup of a volume has it.
 */
export function printHistory({ runs, deviations }: RunHistory): string {
  const printed = runs.map(({ bytes, files, changed }) => `${bytes} ${files} ${printShare(changed)}`)
  return `${printed.join(',')}|${deviations.map(({ deviation, day }) => `${deviation} ${day}`).join(',')}`
}

function printShare(share: number | null): string {
  return share === null ? '-' : String(Math.round(share * 1000))
}

/** What is unreadable in it is left out: a later run only has fewer to be compared with. */
export function parseHistory(text: string): RunHistory {
  const [runs = '', deviations = ''] = text.split('|')
  return {
    runs: runs.split(',').flatMap(parseRun).slice(-MAX_RUNS),
    deviations: deviations.split(',').flatMap(parseDeviation).slice(-MAX_DEVIATIONS),
  }
}

const RUN = /^(\d{1,16}) (\d{1,10}) (-|\d{1,4})$/

function parseRun(text: string): RunNumbers[] {
  const [, bytes, files, share] = RUN.exec(text) ?? []
  if (share === undefined) return []
  const changed = share === '-' ? null : Math.min(Number(share) / 1000, 1)
  return [{ bytes: Number(bytes), files: Number(files), changed }]
}

function parseDeviation(text: string): PastDeviation[] {
  const [name, day = ''] = text.split(' ')
  const deviation = DEVIATIONS.find((each) => each === name)
  return deviation && /^\d{1,6}$/.test(day) ? [{ deviation, day: Number(day) }] : []
}
