import { type MooseFsControl, openControl } from './control.ts'
import type { MooseFsPlace } from './place.ts'

/** After an error, how long no request is sent; files then stay in the trash for its usual time. */
const RETRY_MS = 60_000

/** Lets files skip the trash, on a best-effort basis: a file in the trash only takes space for a day. */
export class Trash {
  readonly #place: MooseFsPlace
  #deafUntil = Number.NEGATIVE_INFINITY

  constructor(place: MooseFsPlace) {
    this.#place = place
  }

  async skip(inode: number): Promise<void> {
    if (performance.now() < this.#deafUntil) return
    try {
      await (await this.#control())?.skipTrash(inode)
    } catch {
      this.#deafUntil = performance.now() + RETRY_MS
    }
  }

  async #control(): Promise<MooseFsControl | undefined> {
    const { top } = await this.#place.mount()
    return top === undefined ? undefined : openControl(top)
  }
}
