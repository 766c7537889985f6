import type { Enrolment } from '../enrolment-ports.ts'
import type { World } from '../world.ts'

export function listEnrolled({ enrolments }: World): Enrolment[] {
  return enrolments.list().filter(({ keyHash }) => keyHash !== null)
}

/**
 * Servers whose enrolled daemon does not trust this authority, as far as is known. A daemon that does not say what it
 * trusts is from a version that keeps one authority, the oldest.
 */
export function listLacking(world: World, fingerprint: string): string[] {
  const known = (world.ports.authority?.known ?? []).map((authority) => authority.fingerprint)
  return listEnrolled(world)
    .filter(({ trusts, authority = known[0] ?? '' }) =>
      trusts ? !trusts.includes(fingerprint) : fingerprint !== known[0] || !known.includes(authority),
    )
    .map(({ ip }) => ip)
    .sort()
}
