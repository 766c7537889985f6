import type { EngineOptions } from './engine-options.ts'
import { PathLock } from './path-lock.ts'
import { type LaterSettling, settleLater } from './settle-later.ts'
import type { UnsettledVolume, VolumeSettling } from './settle-volumes.ts'

export interface VolumeLock {
  reason: string
  /** Settling the volume has failed so far, and the process of the interrupted run is gone. */
  isUnsettled?: boolean
}

export interface SettleWait extends Partial<Pick<LaterSettling, 'onLocked' | 'onSettled'>> {
  /** Why the volumes are locked until the first try gives its own reason; if left out, they are locked only then. */
  reason?: string
  /** The first try waits for this. */
  after?: Promise<void>
}

/** Volumes that no run may touch, each with the reason. */
export class VolumeLocks {
  readonly #options: VolumeSettling & Pick<EngineOptions, 'log'>
  readonly #isClosing: () => boolean
  readonly #held = new PathLock<VolumeLock>()

  constructor(options: VolumeSettling, isClosing: () => boolean) {
    this.#options = options
    this.#isClosing = isClosing
  }

  /** Returns the function that releases it. */
  lock(volumes: readonly string[], lock: VolumeLock): () => void {
    this.#held.hold(volumes, lock)
    return () => this.#held.release(volumes, lock)
  }

  /** The locks on these volumes, their parents and their children. */
  on(volumes: readonly string[]): VolumeLock[] {
    return this.#held.holders(volumes)
  }

  list(): { path: string; reason: string }[] {
    return this.#held.list().map(([path, { reason }]) => ({ path, reason }))
  }

  /** Tries to settle the volumes until it succeeds; no run touches a locked one meanwhile. */
  async settle(volumes: readonly string[], { reason, after, ...listeners }: SettleWait): Promise<void> {
    let release = reason === undefined ? () => {} : this.lock(volumes, { reason })
    await after
    const onLocked = (locked: UnsettledVolume) => {
      const releaseBefore = release
      release = this.lock(volumes, { reason: locked.reason, isUnsettled: true })
      releaseBefore()
      listeners.onLocked?.(locked)
    }
    await settleLater(this.#options, { ...listeners, volumes, onLocked, isClosing: this.#isClosing })
    release()
  }
}
