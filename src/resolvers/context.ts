import type { World } from '../domain/world.ts'
import type { Loaders } from './loaders.ts'

/** The context of every resolver. */
export interface Context {
  world: World
  /** Who asks, for the audit: `graphql 10.0.0.7`. */
  who: string
  loaders: Loaders
  /** The document is one of our own and not a client's, so larger pages are allowed. */
  isOwnDocument?: boolean
  /** Called if the client takes the events of a subscription too slowly; the subscription then ends. */
  onBehind?: () => void
}
