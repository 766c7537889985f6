import type { EngineMemory } from '../../src/engine/ports.ts'
import type { SleepMark } from '../../src/engine/sleep-marks.ts'
import type { VerifyNightState } from '../../src/engine/verify-night-state.ts'
import { readRunKey } from '../../src/wire/failed-run.ts'
import type { Job } from '../../src/wire/job.ts'
import { isTerminal, type RunRecord } from '../../src/wire/record.ts'
import type { NewLogLine } from '../../src/wire/run-log.ts'

/**
 * The engine's memory without a disk. Like a disk it keeps text, not objects: hand it to a second engine for a
 * restart. A test can wait for what is kept.
 */
export class MemoryWithoutDisk implements EngineMemory {
  /** The rids of each call of keep. */
  readonly keeps: string[][] = []
  /** Every version kept or progressed, in order. */
  readonly versions: RunRecord[] = []
  /** `<rid> <level> <text>` of each line of the logs. */
  readonly logs: string[] = []
  saves = 0
  /** While set, keep fails with it. */
  broken: Error | undefined
  readonly #records = new Map<string, string>()
  #jobs = '[]'
  #version = ''
  #left = '[]'
  #night: string | undefined
  #tried: PromiseWithResolvers<void> | undefined
  readonly #waiting = new Set<() => void>()

  loadJobs() {
    return { jobs: JSON.parse(this.#jobs) as Job[], version: this.#version }
  }

  saveJobs(jobs: Job[], version: string, left: readonly SleepMark[] = []) {
    this.saves++
    this.#left = JSON.stringify(left)
    this.#jobs = JSON.stringify(jobs)
    this.#version = version
  }

  loadSleepMarks() {
    return JSON.parse(this.#left) as SleepMark[]
  }

  saveSleep(id: string, asleep: boolean) {
    const { jobs } = this.loadJobs()
    this.#jobs = JSON.stringify(jobs.map((job) => (job.id === id ? { ...job, sleep: asleep } : job)))
  }

  async keep(records: RunRecord[]) {
    await new Promise(setImmediate)
    this.#tried?.resolve()
    if (this.broken) throw this.broken
    this.keeps.push(records.map(({ rid }) => rid))
    for (const record of records) this.#records.set(record.rid, JSON.stringify(record))
    this.#heard(records)
  }

  /** Resolves at the next call of keep, whether it fails or not. */
  keepTried(): Promise<void> {
    this.#tried = Promise.withResolvers()
    return this.#tried.promise
  }

  addLog(rid: string, lines: readonly NewLogLine[]) {
    this.logs.push(...lines.map(({ level, text }) => `${rid} ${level} ${text}`))
  }

  findLog() {
    return { lines: [], next: null }
  }

  notePhase(record: RunRecord) {
    const known = this.find(record.rid)
    if (known && !isTerminal(known.state)) this.#records.set(record.rid, JSON.stringify(record))
  }

  progressed(record: RunRecord) {
    this.#heard([record])
  }

  find(rid: string) {
    const text = this.#records.get(rid)
    return text === undefined ? undefined : (JSON.parse(text) as RunRecord)
  }

  all(): RunRecord[] {
    return [...this.#records.values()].map((text) => JSON.parse(text))
  }

  failures() {
    const newest = new Map(this.all().map((record) => [readRunKey(record), record]))
    return [...newest.values()].filter(({ state }) => ['failed', 'partial'].includes(state))
  }

  unfinished() {
    return this.all().filter(({ state }) => !isTerminal(state))
  }

  loadNight() {
    return this.#night === undefined ? undefined : (JSON.parse(this.#night) as VerifyNightState)
  }

  saveNight(night: VerifyNightState) {
    this.#night = JSON.stringify(night)
  }

  lastStarts() {
    const cron = this.all().filter(({ type }) => type === 'cron')
    return new Map(cron.map(({ jobId, start }) => [jobId, Date.parse(start)]))
  }

  /** Resolves with the first version, past or to come, that matches. */
  async until(fits: (record: RunRecord) => boolean): Promise<RunRecord> {
    for (;;) {
      const found = this.versions.find(fits)
      if (found) return found
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  ended(rid: string): Promise<RunRecord> {
    return this.until((record) => record.rid === rid && isTerminal(record.state))
  }

  #heard(records: RunRecord[]) {
    this.versions.push(...records.map((record) => structuredClone(record)))
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
