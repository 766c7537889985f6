import type { PlannedVolume } from '../plan.ts'
import { readStanding } from './entries.ts'
import type { JobEntry, VolumeEntry } from './job-entry.ts'
import { findWorst, joinStandings, VOLUME_STATES, type VolumeState } from './states.ts'

/** Is told of each change, with a call that does little. */
export interface VolumeListener {
  /** The worst state of the volume is another one, or it is paused for long. */
  changed(volume: VolumeEntry): void
  /** The plan no longer has the volume there. */
  left(volume: PlannedVolume): void
}

/** The volumes by their worst state, and which of them are proven. */
export class VolumesByState {
  listener: VolumeListener | undefined
  readonly #byState = new Map<VolumeState, Set<VolumeEntry>>(VOLUME_STATES.map((state) => [state, new Set()]))
  readonly #proven = new Set<VolumeEntry>()

  /** The volumes whose worst state it is. */
  listIn(state: VolumeState): ReadonlySet<VolumeEntry> {
    return this.#byState.get(state) ?? new Set()
  }

  /** How many volumes have a proof, of each of their modes, that is not too old. */
  get provenCount(): number {
    return this.#proven.size
  }

  /** Whether the volume is one of them. */
  isProven(volume: VolumeEntry): boolean {
    return this.#proven.has(volume)
  }

  /** Moves the volume to its present state. @param isProven whether the proof of a job is not too old */
  sort(volume: VolumeEntry, isProven: (job: JobEntry) => boolean): void {
    const before = volume.state
    this.#byState.get(before)?.delete(volume)
    volume.state = findWorst(joinStandings(volume.jobs.map(readStanding)))
    this.#byState.get(volume.state)?.add(volume)
    if (volume.jobs.length > 0 && volume.jobs.every(isProven)) this.#proven.add(volume)
    else this.#proven.delete(volume)
    if (before !== volume.state) this.listener?.changed(volume)
  }

  remove(volume: VolumeEntry): void {
    this.#byState.get(volume.state)?.delete(volume)
    this.#proven.delete(volume)
    this.listener?.left(volume.planned)
  }
}
