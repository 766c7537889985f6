import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type CertifiedPeer, hashPublicKey } from '../lib/certificates/check-certificate.ts'
import { CERTIFICATE_LIFE_MS } from '../lib/certificates/issue-certificate.ts'
import { isoTime } from '../lib/clock.ts'
import { BackupdError } from '../lib/errors.ts'
import { HOUR_MS } from '../lib/time-units.ts'
import {
  type EnrolRequest,
  type IssuedCertificate,
  printJoinToken,
  type RenewRequest,
} from '../wire/enrolment.ts'
import { describeMissingServer } from '../wire/missing-texts.ts'
import { makeCaller, OWN_PROCESS } from './access/principal.ts'
import { type Answer, isRefused, type Refused, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { nameUpdate } from './enrolment/sync-authorities.ts'
import type { AuthorityPort, Enrolment, Invitation, IssueRequest } from './enrolment-ports.ts'
import { findServer } from './find-server.ts'
import { refuseUnlessPermitted } from './permission.ts'
import type { ServerState } from './server-state.ts'
import { asCaller, type UserWorld } from './user-world.ts'
import { possibleTimes, trustedNow, type World } from './world.ts'

export interface ServerInvitation {
  ip: string
  /** The join token. It cannot be read again. */
  token: string
  /** ISO 8601. */
  expiresAt: string
}

const JOIN_MS = HOUR_MS
const MAX_OPEN = 1000
const MAX_NAMED = 5
/** How soon a daemon that renewed its certificate is asked. */
const RENEWED_POLL_MS = 1000

/** Creates a join token for the daemon of a server. */
export function inviteServer(
  world: UserWorld,
  ip: string,
  replace: boolean,
): Promise<Answer<ServerInvitation>> {
  return audited(
    world,
    { verb: 'inviteServer', facts: { ip, replace } },
    {
      check: () => refuseInvitation(world, ip, replace) ?? ip,
      act: () => world.enrolments.inTurn(() => makeInvitation(world, ip, replace)),
    },
  )
}

function refuseInvitation(world: UserWorld, ip: string, replace: boolean): Refused | undefined {
  const refusal = refuseUnlessPermitted(world, 'access', 'everything')
  if (refusal) return refusal
  const server = findServer(world, ip)
  if (isRefused(server)) return server
  if (world.settings.internal?.ip === ip)
    return refuse(
      'CONFLICT',
      `Cannot invite ${ip}: its daemon runs in the process of the controller, and needs no join token`,
    )
  if (!world.ports.authority?.url)
    return refuse(
      'CONFLICT',
      `Cannot invite ${ip}: the controller does not listen for daemons with certificates. Start it with --daemon-tls-addr`,
    )
  if (world.trustedClock?.doubt)
    return refuse(
      'CONFLICT',
      `Cannot invite ${ip}: the clock of the controller is in doubt, so the join token would count as expired. docs/time.md says what to do`,
    )
  if (server.leaving) return refuse('CONFLICT', `Cannot invite ${ip}: it left the inventory`)
  if (world.enrolments.kindOf(ip) === 'enrolled' && !replace)
    return refuse(
      'CONFLICT',
      `Cannot invite ${ip}: its daemon is enrolled already. With --replace, another one takes its place`,
      { ip },
    )
  if (world.enrolments.countOpenInvitations(trustedNow(world)) >= MAX_OPEN)
    return refuse('CONFLICT', `There are ${MAX_OPEN} open join tokens already. They expire within an hour`)
  return refuseCutOff(world, ip)
}

/** The first enrolment ends plain HTTP for all servers that are not named, so it must not come as a surprise. */
function refuseCutOff({ enrolments, servers, settings }: World, ip: string): Refused | undefined {
  if (enrolments.isUsed) return undefined
  const isSafe = (other: string) => settings.internal?.ip === other || settings.isLegacyPeer?.(other)
  const others = [...servers.keys()].filter((other) => other !== ip && !isSafe(other))
  if (others.length === 0) return undefined
  const more = others.length > MAX_NAMED ? ` and ${others.length - MAX_NAMED} more` : ''
  const named = `${others.slice(0, MAX_NAMED).join(', ')}${more}`
  const message = `Cannot invite ${ip}: once it is enrolled, the controller uses plain HTTP only with servers that --legacy-peer names, so it would no longer reach ${named}. Start it with --legacy-peer ADDRESS or CIDR for these until they are enrolled, too`
  return refuse('CONFLICT', message, { ip })
}

async function makeInvitation(world: World, ip: string, replace: boolean): Promise<ServerInvitation> {
  const { fingerprint, url } = requireAuthority(world)
  const secret = randomBytes(32).toString('base64url')
  const id = randomBytes(8).toString('hex')
  const now = trustedNow(world)
  const expiresAt = isoTime(now + JOIN_MS)
  await world.enrolments.addInvitation(
    { id, hash: hashSecret(secret), ip, replace, expiresAt, usedBy: null },
    now,
  )
  const token = printJoinToken({ id, secret, ip, url: url ?? '', authority: fingerprint })
  return { ip, token, expiresAt }
}

/** Throws CONFLICT if the controller has none. */
export function requireAuthority({ ports: { authority } }: World): AuthorityPort {
  if (authority) return authority
  throw new BackupdError('CONFLICT', 'The controller has no authority for certificates')
}

/** Ends the certificate of a daemon: its open connections are closed, and nobody talks to it until it is invited again. */
export function revokeServer(world: UserWorld, ip: string): Promise<Answer<Enrolment>> {
  return audited(
    world,
    { verb: 'revokeServer', facts: { ip } },
    {
      check: () => refuseUnlessPermitted(world, 'access', 'everything') ?? findEnrolment(world, ip),
      async act(known: Enrolment) {
        await world.enrolments.inTurn(() => world.enrolments.revoke(ip))
        world.background.forget(nameUpdate(ip))
        const state = world.servers.get(ip)
        if (state) pollAgain(state)
        return { ...known, keyHash: null }
      },
    },
  )
}

function findEnrolment(world: UserWorld, ip: string): Answer<Enrolment> {
  const known = world.enrolments.get(ip)
  if (known) return known
  if (!world.servers.has(ip)) return refuse('NOT_FOUND', describeMissingServer(ip), { ip })
  return refuse('CONFLICT', `Cannot revoke the certificate of ${ip}: its daemon has none`, { ip })
}

/** Certifies the key of a daemon that has a join token. Throws FORBIDDEN for any other, BAD_INPUT for a bad request. */
export async function enrolServer(
  world: World,
  request: EnrolRequest,
  from: string,
): Promise<IssuedCertificate> {
  const invitation = findInvitation(world, request)
  const own = asCaller(world, makeCaller(OWN_PROCESS, `join token ${invitation.id}`, from))
  const { ip } = invitation
  const answer = await audited(
    own,
    { verb: 'enrolServer', facts: { ip } },
    {
      check: async () => {
        const publicKey = await requireAuthority(world).readRequest(request.request)
        return refuseEnrolment(world, invitation, hashPublicKey(publicKey)) ?? publicKey
      },
      act: (publicKey: Buffer) => {
        const wish = { ip, publicKey, knowsSeveral: request.severalAuthorities ?? false }
        return world.enrolments.inTurn(() => certify(world, invitation, wish))
      },
    },
  )
  if (isRefused(answer)) throw new BackupdError(answer.refused, answer.message, { facts: answer.facts })
  return answer
}

/** Nothing is audited for a token that nobody gave out. */
function findInvitation(world: World, { id, secret, ip }: EnrolRequest): Invitation {
  const invitation = world.enrolments.invitation(id)
  const isKnown = invitation !== undefined && isSecret(secret, invitation.hash)
  // A token that expired must not count again because the clock was set back.
  if (!isKnown || Date.parse(invitation.expiresAt) <= Math.max(world.clock.now(), trustedNow(world)))
    throw new BackupdError(
      'FORBIDDEN',
      'The join token is not known, or has expired. Ask for another one: backupd server invite',
    )
  if (invitation.ip === ip) return invitation
  throw new BackupdError('FORBIDDEN', `The join token is for ${invitation.ip}, and this daemon is ${ip}`)
}

function refuseEnrolment(
  world: World,
  { id, ip, replace }: Invitation,
  keyHash: string,
): Refused | undefined {
  // It may have been used, or ended by a revocation, since it was read.
  const present = world.enrolments.invitation(id)
  if (!present || (present.usedBy !== null && present.usedBy !== keyHash))
    return refuse('FORBIDDEN', 'The join token has been used. Ask for another one: backupd server invite', {
      ip,
    })
  const server = world.servers.get(ip)
  if (!server || server.leaving) return refuse('FORBIDDEN', `${ip} is not a server of the inventory`, { ip })
  const isRetry = present.usedBy === keyHash
  if (world.enrolments.kindOf(ip) !== 'enrolled' || replace || isRetry) return undefined
  return refuse('FORBIDDEN', `The daemon on ${ip} is enrolled already. Invite this one with --replace`, {
    ip,
  })
}

/** The first use of a token binds it to the key. */
async function certify(
  world: World,
  invitation: Invitation,
  wish: IssueRequest,
): Promise<Answer<IssuedCertificate>> {
  const { ip } = invitation
  const keyHash = hashPublicKey(wish.publicKey)
  const refusal = refuseEnrolment(world, invitation, keyHash)
  if (refusal) return refusal
  const now = trustedNow(world)
  const { issued, authority } = await requireAuthority(world).issue(wish, now)
  const expiresAt = isoTime(now + CERTIFICATE_LIFE_MS)
  const signsSince = world.enrolments.get(ip)?.signsSince
  const server = { ip, keyHash, enrolledAt: isoTime(now), expiresAt, authority, signsSince }
  await world.enrolments.setServer(server, { ...invitation, usedBy: keyHash })
  const state = world.servers.get(ip)
  if (state) pollAgain(state)
  world.log.info({ server: ip }, `The daemon on ${ip} is enrolled`)
  return issued
}

/** It is another daemon, one that listens in another way, or one that must not be asked any more. */
function pollAgain(server: ServerState): void {
  server.nextPollAt = 0
  server.registeredWith = null
}

/** A new certificate for the same key. @param peer the certificate that the daemon showed */
export function renewServer(
  world: World,
  { ip, peer }: { ip: string; peer: Pick<CertifiedPeer, 'keyHash' | 'validFrom' | 'validTo'> },
  { request, severalAuthorities: knowsSeveral = false }: RenewRequest,
): Promise<IssuedCertificate> {
  const { keyHash } = peer
  return world.enrolments.renewOnce(ip, async () => {
    const known = world.enrolments.get(ip)
    const port = requireAuthority(world)
    const publicKey = await port.readRequest(request)
    if (!known || known.keyHash !== keyHash || hashPublicKey(publicKey) !== keyHash)
      throw new BackupdError(
        'FORBIDDEN',
        `Only the daemon on ${ip} can renew its certificate, with the same key`,
      )
    refuseNeedlessRenewal(world, ip, peer)
    const now = trustedNow(world)
    const { issued, authority } = await port.issue({ ip, publicKey, knowsSeveral }, now)
    const expiresAt = isoTime(now + CERTIFICATE_LIFE_MS)
    await world.enrolments.setServer({ ...known, expiresAt, authority })
    const state = world.servers.get(ip)
    // It then says which authorities it trusts.
    if (state) state.nextPollAt = Math.min(state.nextPollAt, world.clock.now() + RENEWED_POLL_MS)
    world.log.info({ server: ip }, `The certificate of the daemon on ${ip} was renewed`)
    return issued
  })
}

/** While the clock is in doubt, whatever is valid at one of its readings is accepted, and a new certificate may get wrong dates. */
function refuseNeedlessRenewal(
  world: World,
  ip: string,
  { validFrom, validTo }: Pick<CertifiedPeer, 'validFrom' | 'validTo'>,
): void {
  const times = possibleTimes(world)
  const isValid = times.some((time) => time >= validFrom && time <= validTo)
  if (times.length < 2 || !isValid) return
  const message = `The certificate of ${ip} is not renewed while the clock of the controller is in doubt, because a new one might get wrong dates; the present one, until ${isoTime(validTo)}, counts until then. Set that clock right`
  throw new BackupdError('CONFLICT', message, { facts: { ip } })
}

function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function isSecret(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(hash))
}
