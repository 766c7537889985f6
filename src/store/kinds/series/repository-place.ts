import type { Driver } from '../../../objects/driver.ts'
import type { RepositoryPlace } from '../../../restic/repository/repository.ts'
import { checkNamespace } from '../../layout.ts'

/** Where the increments of a namespace lie. Throws BAD_INPUT for what is no namespace. */
export function placeOfRepository(driver: Driver, namespace: string): RepositoryPlace {
  return { driver, base: `${checkNamespace(namespace)}/repo` }
}
