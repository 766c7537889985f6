// The HTTP side of the daemon: server.ts serves the table of routes with Fastify, body-values.ts parses bodies,
// refusal.ts turns errors into answers, and this file describes a route. handlers/ contains what the routes do. It
// knows nothing about single routes, backups or jobs.

import type { Readable } from 'node:stream'
import type { Engine } from '../../engine/engine.ts'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import type { TrustedClock } from '../../lib/trusted-clock.ts'
import type { RunMeter } from '../../metrics/run-meter.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import type { ControllerBond } from '../controller-bond.ts'
import type { CertificateRenewal } from '../identity/certificate-renewal.ts'
import type { KeptCopies } from '../kept-copies.ts'
import type { Notifier } from '../notifier/notifier.ts'
import type { SchedulerSwitch } from '../scheduler-switch.ts'
import type { KnownSpace } from '../store-space.ts'

/** The parts of the daemon that handlers use. */
export interface DaemonParts {
  engine: Engine
  scheduler: SchedulerSwitch
  notifier: Notifier
  bond: ControllerBond
  space: KnownSpace
  /** undefined if the daemon is not enrolled. */
  certificate?: CertificateRenewal | undefined
  keptCopies: KeptCopies
  problems: Problems
  trustedClock: TrustedClock
  runMeter: RunMeter
  log: Log
  ip: string
  daemonId: string
  version: string
  /** ISO 8601. */
  startTime: string
  /** Why nothing may run yet; undefined once runs are accepted. */
  notReady(): string | undefined
}

export interface DaemonCall {
  /** Decoded path parameters. */
  params: Readonly<Record<string, string>>
  fields: RequestFields
  /** Aborted when the caller got a timeout or has left, so that the handler stops asking. */
  late: AbortSignal
}

export interface DaemonAnswer {
  status: number
  /** Sent as JSON; a 204 has none. */
  body?: unknown
  /** Sent as it is, instead of a body. If it is destroyed, the connection breaks off. */
  stream?: { type: string; content: Readable; headers?: Readonly<Record<string, string>> }
}

/** One row of the table of routes. */
export interface DaemonRoute {
  method: 'GET' | 'PUT' | 'POST'
  path: string
  handle(call: DaemonCall, world: DaemonParts): DaemonAnswer | Promise<DaemonAnswer>
  /** How long the answer may take to begin, ms; default 9.5 s, because controllers wait for 10 s. */
  patienceMs?: number
  /** The largest body, bytes; default 1 MiB. */
  bodyLimit?: number
  /** The status of NOT_FOUND, as the legacy daemon answers on this route; default 404. */
  notFound?: 400 | 503
}
