import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../../../src/wire/job.ts'
import type { Run } from './run.ts'
import type { SimulatedDaemon } from './simulated-daemon.ts'

/** How many runs of a daemon work at the same time, as a real daemon does by default. */
const LANES = 4
/** How long a run on request takes. */
const RUN_MS = 20

/** Starts one run on request. */
export function runAtOnce(daemon: SimulatedDaemon, job: Job, rid?: string): Run {
  const run = daemon.makeRun(job, { type: 'once', ...(rid !== undefined && { rid }) })
  void workOff(daemon, [run], RUN_MS)
  return run
}

/** Queues a run of one of the backup jobs, which begins and ends soon. */
export function runNext(daemon: SimulatedDaemon, n: number): void {
  const jobs = listBackupJobs(daemon)
  const job = jobs[n % jobs.length]
  if (!job) return
  daemon.list.fire([job.id])
  const run = daemon.makeRun(job, { waits: true })
  daemon.sendNews()
  void sleep(RUN_MS).then(() => workOff(daemon, [run], RUN_MS))
}

/** All backup jobs of a daemon fall due at the same moment, and the last of them ends after about `windowMs`. */
export async function runAllJobs(daemon: SimulatedDaemon, windowMs: number): Promise<void> {
  const jobs = listBackupJobs(daemon)
  daemon.list.fire(jobs.map(({ id }) => id))
  const runs = jobs.map((job, at) => daemon.makeRun(job, { waits: at >= LANES }))
  const runMs = (windowMs * LANES) / Math.max(1, jobs.length)
  await Promise.all(Array.from({ length: LANES }, () => workOff(daemon, runs, runMs)))
}

// What happened while the controller was away: the changes lie in the outbox, and nothing is sent yet.

/** A run of each job began and goes on. */
export function collectBegins(daemon: SimulatedDaemon): void {
  for (const job of listBackupJobs(daemon)) daemon.beginRun(daemon.makeRun(job))
}

/** All present runs ended. */
export function collectEnds(daemon: SimulatedDaemon): void {
  for (const run of daemon.present()) daemon.endRun(run)
}

/** A run of each job was queued, began and ended, one after the other. */
export function collectLives(daemon: SimulatedDaemon): void {
  for (const job of listBackupJobs(daemon)) {
    const run = daemon.makeRun(job, { waits: true })
    daemon.beginRun(run)
    daemon.endRun(run)
  }
}

function listBackupJobs({ jobs }: SimulatedDaemon): Job[] {
  return jobs.filter(({ action }) => action === 'backup')
}

/** One lane: takes the next run until none is left. A run takes about `runMs`. */
async function workOff(daemon: SimulatedDaemon, runs: Run[], runMs: number): Promise<void> {
  for (let run = runs.shift(); run; run = runs.shift()) {
    daemon.beginRun(run)
    daemon.sendNews()
    await sleep(runMs * (0.8 + Math.random() * 0.3))
    daemon.endRun(run)
    daemon.sendNews()
  }
}
