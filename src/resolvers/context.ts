import type { UserWorld } from '../domain/user-world.ts'
import type { Loaders } from './loaders.ts'

/** The context of every resolver. */
export interface Context {
  /** With the caller, who decides what exists in it. */
  world: UserWorld
  loaders: Loaders
  /** The document is one of our own and not a client's, so larger pages are allowed. */
  isOwnDocument?: boolean
  /** Called if the client takes the events of a subscription too slowly; the subscription then ends. */
  onBehind?: () => void
}
