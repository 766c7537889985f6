import type { Driver } from '../driver.ts'
import type { RepositoryPlace } from '../snapshot/repository/repository.ts'
import { checkNamespace } from '../store/layout.ts'

/** Where the increments of a namespace lie. Throws BAD_INPUT for what is no namespace. */
export function placeOfRepository(driver: Driver, namespace: string): RepositoryPlace {
  return { driver, base: `${checkNamespace(namespace)}/repo` }
}
