import type { EndedRun, NewestBackup, UnusualRun, VolumeCondition } from '../health-ports.ts'
import type { PlannedJob, PlannedVolume } from '../plan.ts'
import { JobNumbers } from './job-numbers.ts'
import { type Standing, VOLUME_STATES, type VolumeState } from './states.ts'

/** Their numbers in the table begin with 1. */
const RUN_STATES = [
  'success',
  'partial',
  'failed',
  'cancelled',
  'lost',
] as const satisfies EndedRun['state'][]
const SEVERAL_STATES = VOLUME_STATES.length + 1

export interface VolumeEntry {
  planned: PlannedVolume
  jobs: JobEntry[]
  /** The worst of its jobs. */
  state: VolumeState
}

/** What few jobs have. */
interface RareFacts {
  inherits: string | null
  reason: string
  code: string | null
  suspect: string | null
  corrupt: string | null
  unusual: UnusualRun | null
  /** null unless several states hold. */
  standing: Standing | null
}

/** Of most jobs, which share it. */
const NO_RARE_FACTS: Readonly<RareFacts> = {
  inherits: null,
  reason: '',
  code: null,
  suspect: null,
  corrupt: null,
  unusual: null,
  standing: null,
}

/** What the board keeps of one backup job; its numbers lie in a table. Times are unix ms. */
export class JobEntry {
  planned: PlannedJob
  readonly volume: VolumeEntry
  /** Grows with each run, so that what was read before it is not taken for newer. */
  version = 0
  #table: JobNumbers
  #row: number
  #rid: string | null = null
  #rare = NO_RARE_FACTS
  #isGone = false

  constructor(table: JobNumbers, planned: PlannedJob, volume: VolumeEntry) {
    this.planned = planned
    this.volume = volume
    this.#table = table
    this.#row = table.add()
  }

  get mode(): 'full' | 'increment' {
    return this.planned.mode ?? 'full'
  }

  /** The plan no longer has it. */
  get isGone(): boolean {
    return this.#isGone
  }

  get countedFrom(): number {
    return this.#table.readTime(this.#row, 'countedFrom') ?? 0
  }

  set countedFrom(time: number) {
    this.#table.writeTime(this.#row, 'countedFrom', time)
  }

  get pausedSince(): number | null {
    return this.#table.readTime(this.#row, 'pausedSince')
  }

  set pausedSince(time: number | null) {
    this.#table.writeTime(this.#row, 'pausedSince', time)
  }

  /** null: not measured since the last run. */
  get graceMs(): number | null {
    return this.#table.readTime(this.#row, 'graceMs')
  }

  set graceMs(ms: number | null) {
    this.#table.writeTime(this.#row, 'graceMs', ms)
  }

  /** When the passing of time may change its state. */
  get checkAt(): number | null {
    return this.#table.readTime(this.#row, 'checkAt')
  }

  set checkAt(time: number | null) {
    this.#table.writeTime(this.#row, 'checkAt', time)
  }

  /** From when a missing proof counts: first sight; null: not known yet. */
  get proofFrom(): number | null {
    return this.#table.readTime(this.#row, 'proofFrom')
  }

  set proofFrom(time: number | null) {
    this.#table.writeTime(this.#row, 'proofFrom', time)
  }

  /** What the catalog knows was read; before that nothing is judged. */
  get isLoaded(): boolean {
    return this.#table.readCode(this.#row, 'isLoaded') === 1
  }

  set isLoaded(isLoaded: boolean) {
    this.#table.writeCode(this.#row, 'isLoaded', Number(isLoaded))
  }

  /** An earlier job of the volume, whose runs count until this one has one of its own. */
  get inherits(): string | null {
    return this.#rare.inherits
  }

  set inherits(jobId: string | null) {
    this.#noteRare({ inherits: jobId })
  }

  get lastRun(): EndedRun | null {
    const state = RUN_STATES[this.#table.readCode(this.#row, 'lastRunState') - 1]
    if (state === undefined || this.#rid === null) return null
    const { reason, code } = this.#rare
    return { rid: this.#rid, at: this.#table.readTime(this.#row, 'lastRunAt') ?? 0, state, reason, code }
  }

  set lastRun(run: EndedRun | null) {
    this.#rid = run?.rid ?? null
    this.#table.writeTime(this.#row, 'lastRunAt', run?.at ?? null)
    this.#table.writeCode(this.#row, 'lastRunState', run ? RUN_STATES.indexOf(run.state) + 1 : 0)
    this.#noteRare({ reason: run?.reason ?? '', code: run?.code ?? null })
  }

  get condition(): VolumeCondition {
    const lastGoodAt = this.#table.readTime(this.#row, 'lastGoodAt')
    const provenAt = this.#table.readTime(this.#row, 'provenAt')
    return { lastGoodAt, provenAt, newest: this.#readNewest(), unusual: this.#rare.unusual }
  }

  set condition({ lastGoodAt, provenAt, newest, unusual }: VolumeCondition) {
    this.#table.writeTime(this.#row, 'provenAt', provenAt)
    this.#table.writeTime(this.#row, 'lastGoodAt', lastGoodAt)
    this.#table.writeTime(this.#row, 'newestAt', newest?.at ?? null)
    this.#table.writeCode(this.#row, 'newestState', newest ? RUN_STATES.indexOf(newest.state) + 1 : 0)
    this.#noteRare({ suspect: newest?.suspect ?? null, corrupt: newest?.corrupt ?? null, unusual })
  }

  get standing(): Standing {
    const code = this.#table.readCode(this.#row, 'standingState')
    if (code === SEVERAL_STATES) return this.#rare.standing ?? {}
    const state = VOLUME_STATES[code - 1]
    return state === undefined ? {} : { [state]: this.#table.readTime(this.#row, 'standingSince') ?? 0 }
  }

  set standing(standing: Standing) {
    const [first, ...others] = VOLUME_STATES.filter((state) => standing[state] !== undefined)
    const code = first === undefined ? 0 : VOLUME_STATES.indexOf(first) + 1
    this.#table.writeCode(this.#row, 'standingState', others.length > 0 ? SEVERAL_STATES : code)
    this.#table.writeTime(this.#row, 'standingSince', first === undefined ? null : (standing[first] ?? null))
    this.#noteRare({ standing: others.length > 0 ? standing : null })
  }

  /** Gives its row back. Whoever still has the entry can read and write it, but nothing comes of it. */
  leave(): void {
    const own = new JobNumbers(1)
    const row = own.add()
    this.#table.copyRow(this.#row, own, row)
    this.#table.remove(this.#row)
    this.#table = own
    this.#row = row
    this.#isGone = true
  }

  #readNewest(): NewestBackup | null {
    const state = RUN_STATES[this.#table.readCode(this.#row, 'newestState') - 1]
    if (state !== 'success' && state !== 'partial') return null
    const { suspect, corrupt } = this.#rare
    return { at: this.#table.readTime(this.#row, 'newestAt') ?? 0, state, suspect, corrupt }
  }

  #noteRare(facts: Partial<RareFacts>): void {
    const joined = { ...this.#rare, ...facts }
    const hasNone = Object.values(joined).every((fact) => fact === null || fact === '')
    this.#rare = hasNone ? NO_RARE_FACTS : joined
  }
}
