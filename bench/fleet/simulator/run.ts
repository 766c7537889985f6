import { createHash } from 'node:crypto'
import { isoTime } from '../../../src/lib/clock.ts'
import { backupName } from '../../../src/wire/archive-name.ts'
import type { BackupInfo } from '../../../src/wire/backup.ts'
import { backupArgsSchema, type Job } from '../../../src/wire/job.ts'
import type { RunRecord, RunResult } from '../../../src/wire/record.ts'
import type { RunPhase } from '../../../src/wire/run-phase.ts'

/** A run of a simulated daemon, kept small; its records and its backup are made from it when they are asked for. */
export interface Run {
  readonly rid: string
  readonly server: string
  readonly job: Job
  /** Whether the schedule started it, or a request. */
  readonly type: RunRecord['type']
  /** Counts the backups of this job. */
  readonly no: number
  /** Unix ms. */
  readonly queuedAt: number
  begunAt: number | undefined
  endedAt: number | undefined
}

export type SimulatedState = 'queued' | 'running' | 'success'

export function readRunState({ begunAt, endedAt }: Run): SimulatedState {
  if (endedAt !== undefined) return 'success'
  return begunAt === undefined ? 'queued' : 'running'
}

const SEQ = { queued: 0, running: 1, success: 2 } as const
const SIZE = 1_234_567

/** The record of a run in one of its states, as a real daemon writes it. */
export function printRun(run: Run, state: SimulatedState): RunRecord {
  const { id, spec, action, args } = run.job
  return {
    rid: run.rid,
    jobId: id,
    spec,
    action,
    args,
    type: run.type,
    server: run.server,
    seq: SEQ[state],
    attempt: 1,
    state,
    start: isoTime((state === 'queued' ? undefined : run.begunAt) ?? run.queuedAt),
    end: state === 'success' && run.endedAt !== undefined ? isoTime(run.endedAt) : null,
    reason: '',
    error: null,
    warnings: [],
    warningCount: 0,
    result: state === 'success' ? makeResult(run) : null,
    progress: state === 'success' ? PUBLISHED : null,
    phases: state === 'queued' ? [] : listPhases(run, state),
  }
}

/** Each phase of an ended run took as long. */
function listPhases({ begunAt = 0, endedAt = begunAt, job }: Run, state: SimulatedState): RunPhase[] {
  if (state === 'running') return [{ name: 'start', start: isoTime(begunAt), end: null, bytes: 0 }]
  const work = job.args.mode === 'increment' ? 'snapshot' : 'pack'
  const names = ['start', work, 'recheck', 'publish']
  const at = (no: number) => isoTime(begunAt + Math.round(((endedAt - begunAt) * no) / names.length))
  return names.map((name, no) => ({
    ...{ name, start: at(no), end: at(no + 1) },
    bytes: name === work ? SIZE : 0,
  }))
}

const PUBLISHED = {
  phase: 'publish',
  bytesDone: SIZE,
  bytesTotal: null,
  filesDone: 1,
  filesTotal: null,
  currentPath: null,
  bytesPerSecond: null,
  etaSeconds: null,
}

function makeResult(run: Run): RunResult {
  const backup = makeBackup(run)
  const { name: file, size, series } = backup
  const changedWhileRead = { count: 0, names: [] }
  if (!series) return { file, size, backup, changedWhileRead }
  const counts = { filesNew: 1, filesChanged: 0, filesUnchanged: 0, filesDeleted: 0, bytesAdded: 1526 }
  return { file, size, backup, snapshot: series.newest, ...counts, bytesRead: SIZE, changedWhileRead }
}

/** The backup that an ended run made. */
export function makeBackup(run: Run): BackupInfo {
  const args = backupArgsSchema.parse(run.job.args)
  const endedAt = run.endedAt ?? run.queuedAt
  const digest = createHash('sha256').update(run.rid).digest('hex')
  const created = isoTime(endedAt)
  const isSeries = args.mode === 'increment'
  return {
    server: run.server,
    name: isSeries ? args.archive : backupName(args.archive, Math.floor(endedAt / 1000)),
    mode: isSeries ? 'increment' : 'full',
    app: args.app,
    proc: args.proc,
    volume: args.volume,
    instanceNo: args.instanceNo,
    source: args.path,
    containers: args.containers,
    size: SIZE,
    created,
    sequence: run.no,
    rid: run.rid,
    jobId: run.job.id,
    state: 'success',
    suspect: null,
    corrupt: null,
    verified: null,
    holds: [],
    sha256: isSeries ? null : digest,
    hasIndex: !isSeries,
    files: 1,
    bytes: SIZE,
    durability: 'synced',
    changedWhileRead: { count: 0, names: [] },
    series: isSeries ? makeSeries(run.no, digest, created) : null,
  }
}

function makeSeries(snapshots: number, id: string, created: string): BackupInfo['series'] {
  return { snapshots, newest: id, oldestCreated: created, lastGood: { id, created } }
}
