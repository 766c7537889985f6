import { type MooseFsControl, openControl } from './control.ts'
import type { MooseFsPlace } from './place.ts'

/** Without an answer the trash keeps things for its usual time; it is asked again after this. */
const AGAIN_MS = 60_000

/** Has files skip the trash where MooseFS can be told; a file that lies there a day does no harm but take room. */
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
      this.#deafUntil = performance.now() + AGAIN_MS
    }
  }

  async #control(): Promise<MooseFsControl | undefined> {
    const { top } = await this.#place.mount()
    return top === undefined ? undefined : openControl(top)
  }
}
