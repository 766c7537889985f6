import { type Answer, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { listEnrolled, listLacking } from './enrolment/list-lacking.ts'
import { reportAuthorities } from './enrolment/report-authorities.ts'
import { nameSome, reportEnrolments } from './enrolment/report-enrolments.ts'
import type { AuthorityPort, KnownAuthority } from './enrolment-ports.ts'
import { requireAuthority } from './enrolments.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow, type World } from './world.ts'

/** `CURRENT`: all daemons know it. `NEXT`: it is being given to them. `RETIRED`: not of this controller, or no more. */
export type AuthorityState = 'CURRENT' | 'NEXT' | 'RETIRED'

export interface ListedAuthority {
  fingerprint: string
  state: AuthorityState
  /** Unix ms; null if it is retired. */
  createdAt: number | null
  expiresAt: number | null
  /** Servers whose enrolled daemon trusts it. */
  trustedBy: string[]
  /** Servers whose enrolled daemon does not, as far as the controller knows. Empty if it is retired. */
  lacking: string[]
}

/** Retired ones are what daemons claim. */
export const MAX_LISTED_AUTHORITIES = 20

/** The authorities of this controller, oldest first, then retired ones that daemons still trust. */
export function listAuthorities(world: UserWorld): Answer<ListedAuthority[]> {
  const refusal = refuseUnlessPermitted(world, 'access', 'everything')
  if (refusal) return refusal
  const known = world.ports.authority?.known ?? []
  const own = known.map((authority, n) => describeAuthority(world, authority, n === 0 ? 'CURRENT' : 'NEXT'))
  return [...own, ...listRetired(world, known)].slice(0, MAX_LISTED_AUTHORITIES)
}

function describeAuthority(world: World, authority: KnownAuthority, state: AuthorityState): ListedAuthority {
  const lacking = new Set(listLacking(world, authority.fingerprint))
  const trustedBy = listEnrolled(world)
    .map(({ ip }) => ip)
    .filter((ip) => !lacking.has(ip))
  return { ...authority, state, trustedBy, lacking: [...lacking] }
}

function listRetired(world: World, known: readonly KnownAuthority[]): ListedAuthority[] {
  const servers = new Map<string, string[]>()
  for (const { ip, trusts, authority } of listEnrolled(world))
    for (const fingerprint of trusts ?? (authority === undefined ? [] : [authority]))
      servers.set(fingerprint, [...(servers.get(fingerprint) ?? []), ip])
  for (const { fingerprint } of known) servers.delete(fingerprint)
  return [...servers].map(([fingerprint, trustedBy]) => ({
    ...{ fingerprint, state: 'RETIRED', createdAt: null, expiresAt: null, trustedBy, lacking: [] },
  }))
}

/** Makes the next authority. Daemons get it when they renew their certificates, at once if they are reached. */
export function rotateAuthority(world: UserWorld): Promise<Answer<ListedAuthority[]>> {
  return audited(
    world,
    { verb: 'rotateAuthority', facts: {} },
    {
      check: () => refuseRotation(world) ?? requireAuthority(world),
      act: (port: AuthorityPort) =>
        world.enrolments.inTurn(async () => {
          // Another request may have been first.
          const refusal = refuseRotation(world)
          if (refusal) return refusal
          await port.rotate(trustedNow(world))
          world.log.info({}, 'There is a next authority: daemons get it with their next certificates')
          return noteChange(world)
        }),
    },
  )
}

/**
 * Drops the present authority for the next one. @param force also if some daemons do not have the next one yet: these and
 * the controller then refuse each other
 */
export function retireAuthority(world: UserWorld, force: boolean): Promise<Answer<ListedAuthority[]>> {
  return audited(
    world,
    { verb: 'retireAuthority', facts: { force } },
    {
      check: () => refuseRetirement(world, force) ?? requireAuthority(world),
      act: (port: AuthorityPort) =>
        world.enrolments.inTurn(async () => {
          const refusal = refuseRetirement(world, force)
          if (refusal) return refusal
          const left = listLacking(world, port.known[1]?.fingerprint ?? '')
          await port.retire(trustedNow(world))
          for (const ip of left) world.enrolments.announce(ip)
          world.log.info({}, 'The old authority is retired: its certificates count no more')
          return noteChange(world)
        }),
    },
  )
}

function noteChange(world: UserWorld): Answer<ListedAuthority[]> {
  reportAuthorities(world)
  reportEnrolments(world)
  for (const { ip } of listEnrolled(world)) {
    const state = world.servers.get(ip)
    if (state) state.nextPollAt = 0
  }
  return listAuthorities(world)
}

function refuseRotation(world: UserWorld): Refused | undefined {
  const refusal = refuseUnlessPermitted(world, 'access', 'everything') ?? refuseUnheard(world, 'rotate')
  if (refusal) return refusal
  const [, next] = world.ports.authority?.known ?? []
  if (!next) return refuseDoubt(world, 'rotate')
  return refuse(
    'CONFLICT',
    'Cannot rotate the authority: a rotation is under way. Finish it with "backupd ca retire"; "backupd ca show" says which daemons it waits for',
  )
}

function refuseRetirement(world: UserWorld, force: boolean): Refused | undefined {
  const refusal = refuseUnlessPermitted(world, 'access', 'everything') ?? refuseUnheard(world, 'retire')
  if (refusal) return refusal
  const [, next] = world.ports.authority?.known ?? []
  if (!next)
    return refuse(
      'CONFLICT',
      'Cannot retire the authority: no new one was made. Make it with "backupd ca rotate"',
    )
  const lacking = listLacking(world, next.fingerprint)
  if (force || lacking.length === 0) return refuseDoubt(world, 'retire')
  const message = `Cannot retire the old authority: the daemons on ${nameSome(lacking)} do not have the new one, so they and this controller would refuse each other. Start or upgrade them and wait a minute, or revoke those that are gone. With --force it is retired anyway: then invite them with --replace`
  return refuse('CONFLICT', message, { servers: lacking.slice(0, MAX_FACTS) })
}

const MAX_FACTS = 100

function refuseUnheard({ ports }: World, what: string): Refused | undefined {
  if (ports.authority?.url) return undefined
  return refuse(
    'CONFLICT',
    `Cannot ${what} the authority: the controller does not listen for daemons with certificates. Start it with --daemon-tls-addr`,
  )
}

/** What is certified with a wrong clock, nobody with a right one accepts. */
function refuseDoubt({ trustedClock }: World, what: string): Refused | undefined {
  if (!trustedClock?.doubt) return undefined
  return refuse(
    'CONFLICT',
    `Cannot ${what} the authority: the clock of the controller is in doubt, and certificates would get wrong dates. Set it right first`,
  )
}
