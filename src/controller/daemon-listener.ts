import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { enrolServer, renewServer } from '../domain/enrolments.ts'
import { possibleTimes, type World } from '../domain/world.ts'
import { closeApp, createApp, printJson } from '../http/app.ts'
import { guardBrowsers } from '../http/browser-guard.ts'
import { CertifiedListener } from '../http/certified-listener.ts'
import { type ConnectionLimits, limitConnections } from '../http/connection-limits.ts'
import { limitHandshakes } from '../http/handshake-limit.ts'
import { INTERNAL_URL, type InternalLink } from '../http/internal-link.ts'
import { type CertifiedPeer, checkDates } from '../lib/certificates/check-certificate.ts'
import { BackupdError } from '../lib/errors.ts'
import { DAY_MS } from '../lib/time-units.ts'
import {
  ENROL_PATH,
  enrolRequestSchema,
  LATE_RENEWAL_MS,
  parseServerUri,
  RENEW_PATH,
  renewRequestSchema,
} from '../wire/enrolment.ts'
import { parseShape } from '../wire/json.ts'
import type { Authority } from './authority.ts'
import { addNewsRouteFor } from './news-route.ts'
import { renewOwnCertificate } from './renew-own-certificate.ts'
import { sendRefusal } from './send-refusal.ts'

export interface DaemonListenerOptions {
  host: string
  port: number
  authority: Authority
  connections: ConnectionLimits
  /** Throws for a request that is not allowed. */
  guard(request: IncomingMessage): void
}

/** Bytes of an enrolment or a renewal. */
const REQUEST_LIMIT = 16 * 1024
/** How long a late renewal is shown as a problem of its server. */
const LATE_SHOWN_MS = 7 * DAY_MS

/** Listens for daemons with certificates; browsers never come here. Returns the URL; `parts` ends it. */
export async function listenForDaemons(
  world: World,
  options: DaemonListenerOptions,
  parts: AsyncDisposableStack,
): Promise<string> {
  const { authority } = options
  const { log } = world
  const app = createApp({
    guard: ({ raw }) => options.guard(raw),
    refuse: (error, request, reply) => sendRefusal(error, request, { reply, log }),
  })
  const findPeer = (request: IncomingMessage) => listener.findPeer(request)
  addEnrolmentRoutes(app, world, findPeer)
  addNewsRouteFor(app, world, (request) => {
    const peer = findPeer(request)
    checkDates(peer, ...possibleTimes(world))
    return { from: requireServer(world, peer), isCertified: true }
  })
  await app.ready()
  parts.defer(() => closeApp(app))
  const listener = new CertifiedListener(app, { ...options, program: 'controller', own: authority.own })
  limitConnections(listener.server, options.connections)
  limitHandshakes(listener.server, world)
  const url = await listener.listen()
  parts.defer(() => listener.close())
  // A key that no longer counts: revoked, or another daemon took the place.
  world.enrolments.onChange((ip) =>
    listener.endConnections(
      ({ uri, keyHash }) => parseServerUri(uri) === ip && !world.enrolments.isCurrent(ip, keyHash),
    ),
  )
  authority.onChange(() => listener.use(authority.own))
  parts.use(renewOwnCertificate(world, authority))
  log.info({ url }, `The controller listens for daemons with certificates on ${url}`)
  return url
}

/** Listens on 127.0.0.1 for news of the daemon in the same process, and of nobody else. */
export async function listenWithin(
  world: World,
  { link, connections }: { link: InternalLink; connections: ConnectionLimits },
  parts: AsyncDisposableStack,
): Promise<void> {
  const { log } = world
  const { hostname } = new URL(INTERNAL_URL)
  const app = createApp({
    guard: ({ headers }) => guardBrowsers(headers, [hostname]),
    refuse: (error, request, reply) => sendRefusal(error, request, { reply, log }),
  })
  addNewsRouteFor(app, world, (request) => {
    if (parseServerUri(listener.findPeer(request).uri) === link.ip)
      return { from: link.ip, isCertified: true }
    throw new BackupdError('FORBIDDEN', 'Only the daemon of this process may send news here')
  })
  await app.ready()
  parts.defer(() => closeApp(app))
  const own = { ...link.controller, authorities: [link.authority] }
  const listener = new CertifiedListener(app, { host: '127.0.0.1', port: 0, program: 'controller', own })
  limitConnections(listener.server, connections)
  link.controllerPort = Number(new URL(await listener.listen()).port)
  parts.defer(() => listener.close())
}

function addEnrolmentRoutes(
  app: FastifyInstance,
  world: World,
  findPeer: (request: IncomingMessage) => CertifiedPeer,
): void {
  app.post(ENROL_PATH, { bodyLimit: REQUEST_LIMIT }, async ({ body, raw }, reply) => {
    const request = parseShape('The enrolment', body, enrolRequestSchema)
    return printJson(reply, await enrolServer(world, request, raw.socket.remoteAddress ?? ''))
  })
  // Who may not renew is refused before the body is read.
  const onRequest = async ({ raw }: { raw: IncomingMessage }) => void requireServer(world, findPeer(raw))
  app.post(RENEW_PATH, { bodyLimit: REQUEST_LIMIT, onRequest }, async ({ body, raw }, reply) => {
    const peer = findPeer(raw)
    const ip = requireServer(world, peer)
    refuseLateRenewal(world, peer, ip)
    const request = parseShape('The renewal', body, renewRequestSchema)
    return printJson(reply, await renewServer(world, { ip, peer }, request))
  })
}

/** The server of a certificate. Throws FORBIDDEN for a controller, and for a key that does not count any more. */
function requireServer({ enrolments }: World, { uri, keyHash }: CertifiedPeer): string {
  const ip = parseServerUri(uri)
  if (ip !== undefined && enrolments.isCurrent(ip, keyHash)) return ip
  const message = `The certificate for ${ip ?? uri} does not count here: it was revoked, or another one took its place`
  throw new BackupdError('FORBIDDEN', message)
}

/** An expired certificate may do nothing but renew itself, for a year. */
function refuseLateRenewal(world: World, { validTo }: CertifiedPeer, ip: string): void {
  // In doubt, the later time: a clock that was set back must not give an old certificate another year.
  const late = Math.max(...possibleTimes(world)) - validTo
  if (late <= 0) return
  const text = `The certificate of the daemon on ${ip} had expired before it was renewed: check why it could not reach the controller, and both clocks`
  if (late <= LATE_RENEWAL_MS) {
    const untilMs = world.clock.now() + LATE_SHOWN_MS
    world.problems.report({ source: 'enrolment', key: ip, about: ip, text, untilMs })
    return
  }
  const message = `The certificate of ${ip} expired more than a year ago, so it cannot be renewed. Invite the daemon again with --replace`
  throw new BackupdError('FORBIDDEN', message)
}
