import type { World } from '../domain/world.ts'
import type { Loaders } from './loaders.ts'

/** What every resolver is handed. */
export interface Context {
  world: World
  /** Who asks, for the audit: `graphql 10.0.0.7`. */
  who: string
  loaders: Loaders
  /** The document is one of our own, not a stranger's: a page may be as large as there is use for. */
  isOwnDocument?: boolean
}
