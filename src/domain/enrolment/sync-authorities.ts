import type { Enrolment } from '../enrolment-ports.ts'
import type { ServerState } from '../server-state.ts'
import type { World } from '../world.ts'
import { isEarlier } from './enrolment-book.ts'

/**
 * Notes which authorities an enrolled daemon trusts, as its last answer says, and has it renew its certificate if these
 * are not those of this controller. If that fails, the next poll tries again.
 */
export function syncAuthoritiesSoon(world: World, { ip, debug }: ServerState): void {
  const name = nameUpdate(ip)
  const work = planUpdate(world, ip, { trusts: debug?.authorities, signsSince: debug?.signsSince })
  if (work) void world.background.run(name, work)
  else world.background.forget(name)
}

/** The name of the background work, so that it can be forgotten. */
export function nameUpdate(ip: string): string {
  return `update the authorities of ${ip}`
}

/** @returns undefined if there is nothing to do */
function planUpdate(
  world: World,
  ip: string,
  { trusts, signsSince }: Pick<Enrolment, 'trusts' | 'signsSince'>,
): (() => Promise<void>) | undefined {
  const { authority } = world.ports
  const known = world.enrolments.get(ip)
  if (!authority || !known || known.keyHash === null) return undefined
  const { keyHash } = known
  const present = authority.known.map(({ fingerprint }) => fingerprint)
  const isNews = !isSameSet(known.trusts, trusts)
  // A certificate that is made in doubt may get wrong dates.
  const canRenew = authority.url !== undefined && !world.trustedClock?.doubt
  const isBehind = trusts !== undefined && canRenew && !isSameSet(trusts, present)
  const isSigning = isEarlier(signsSince, known.signsSince)
  if (!isNews && !isBehind && !isSigning) return undefined
  return async () => {
    if (isNews) await world.enrolments.inTurn(() => world.enrolments.noteTrusts(ip, keyHash, trusts))
    if (isSigning && signsSince !== undefined)
      await world.enrolments.inTurn(() => world.enrolments.noteSigning(ip, signsSince))
    if (isBehind) await world.ports.daemon.renewCertificate(ip)
  }
}

function isSameSet(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  if (!one || !other) return one === other
  return one.length === other.length && one.every((fingerprint) => other.includes(fingerprint))
}
