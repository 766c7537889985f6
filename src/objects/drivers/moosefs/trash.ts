import type { Clock } from '../../../lib/clock.ts'
import { type MooseFsControl, openControl } from './control.ts'
import type { MooseFsPlace } from './place.ts'

/** After an error, how long no request is sent; files then stay in the trash for its usual time. */
const RETRY_MS = 60_000

/** Lets files skip the trash, on a best-effort basis: a file in the trash only takes space for a day. */
export class Trash {
  readonly #place: MooseFsPlace
  readonly #clock: Clock
  #deafUntil = Number.NEGATIVE_INFINITY

  constructor(place: MooseFsPlace, clock: Clock) {
    this.#place = place
    this.#clock = clock
  }

  async skip(inode: number): Promise<void> {
    if (this.#clock.elapsed() < this.#deafUntil) return
    try {
      await (await this.#control())?.skipTrash(inode)
    } catch {
      this.#deafUntil = this.#clock.elapsed() + RETRY_MS
    }
  }

  async #control(): Promise<MooseFsControl | undefined> {
    const { top } = await this.#place.mount()
    return top === undefined ? undefined : openControl(top)
  }
}
