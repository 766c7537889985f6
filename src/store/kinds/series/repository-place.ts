import type { Driver } from '../../../objects/driver.ts'
import type { RepositoryPlace } from '../../../restic/repository/repository.ts'
import { parseNamespace } from '../../../wire/namespace.ts'

/** The place of a namespace's increments. Throws BAD_INPUT if it is not a namespace. */
export function placeOfRepository(driver: Driver, namespace: string): RepositoryPlace {
  return { driver, base: `${parseNamespace(namespace)}/repo` }
}
