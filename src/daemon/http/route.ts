import type { Engine } from '../../engine/engine.ts'
import type { Log } from '../../lib/log.ts'
import type { Problems } from '../../lib/problems.ts'
import type { TrustedClock } from '../../lib/trusted-clock.ts'
import type { ControllerBond } from '../controller-bond.ts'
import type { Notifier } from '../notifier/notifier.ts'
import type { SchedulerSwitch } from '../scheduler-switch.ts'
import type { StoreSpace } from '../store-space.ts'
import type { Fields } from './fields.ts'

/** What the handlers work on. */
export interface World {
  engine: Engine
  scheduler: SchedulerSwitch
  notifier: Notifier
  bond: ControllerBond
  space: StoreSpace
  problems: Problems
  trustedClock: TrustedClock
  log: Log
  ip: string
  daemonId: string
  version: string
  /** ISO 8601. */
  startTime: string
  /** Why nothing may run yet; undefined once everything may. */
  notReady(): string | undefined
}

export interface Call {
  /** Decoded path parameters. */
  params: Readonly<Record<string, string>>
  fields: Fields
  /** Aborted once the caller was told that it takes too long: what goes on asking stops then. */
  late: AbortSignal
}

export interface Answer {
  status: number
  /** Printed as JSON; a 204 has none. */
  body?: unknown
}

/** One row of the table of routes. */
export interface Route {
  method: 'GET' | 'PUT' | 'POST'
  path: string
  handle(call: Call, world: World): Answer | Promise<Answer>
  /** The largest body, bytes; a MiB where nothing is said. */
  bodyLimit?: number
  /** What the recorded system answers here where something is not there; 404 where nothing is said. */
  notFound?: 400 | 503
}
