import type { NewsLimits } from '../domain/news-gate.ts'
import type { SettingsSource } from '../domain/notify-ports.ts'
import type { InventorySource } from '../domain/ports.ts'
import type { ConnectionLimits } from '../http/connection-limits.ts'
import type { InternalLink } from '../http/internal-link.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { AccessOptions } from './callers.ts'
import type { TlsOptions } from './tls-listener.ts'

export interface ControllerOptions {
  host: string
  /** 0: any free port. `advertise` may then be empty and becomes the address it listens on. */
  port: number
  /** The URL at which daemons reach this controller: `http://10.0.0.1:9002`. */
  advertise: string
  dataDir: string
  /** The directory for copies of the catalog. */
  copyDir: string
  inventory: InventorySource
  /** What is not about one volume; without it, the defaults. */
  settings?: SettingsSource | undefined
  volumeRoot: string
  /** Ends a first reading of the inventory early. The controller still has to be closed. */
  stop?: AbortSignal
  /** Called once it listens with an inventory in force, which may be the one of before the start. */
  onListening?(url: string): void
  /** Called with the volume paths of each inventory that comes into force, before its jobs are sent. */
  onPaths?(paths: string[]): void
  keepRecordsMs: number
  /** The same for entries of the audit; as long as records if left out. */
  keepAuditMs?: number
  /** How long the delete of a backup or snapshot can be undone; it is final if this is 0 or left out. */
  undoWindowMs?: number
  /** The least time after which a planned run that has not ended is overdue. */
  overdueGraceMs: number
  /** Base URL of the daemon on a server. */
  addressOf(ip: string): string
  /** Addresses besides its own from which a server may send news. */
  newsFrom?(server: string): readonly string[]
  /** Whether to take over a daemon that has the jobs of another controller; by default never. */
  takesOver?(server: string): boolean
  /** Host names that requests may come to, besides IP addresses, localhost and the advertised one. */
  allowedHosts: string[]
  /** Limits that differ from CONNECTION_LIMITS. */
  connections?: Partial<ConnectionLimits>
  /** Limits of waiting news that differ from NEWS_LIMITS. */
  newsLimits?: Partial<NewsLimits>
  access: AccessOptions
  /** Serve users over TLS, too. */
  tls?: TlsOptions | undefined
  /** Listen for daemons with certificates, too. */
  daemonTls?: { host: string; port: number } | undefined
  /** To the daemon in the same process. */
  link?: InternalLink | undefined
  /** Whether plain HTTP is used with a server although others have certificates. */
  isLegacyPeer?(server: string): boolean
  /** Where to serve /metrics alone, without a token. */
  metricsAddress?: { host: string; port: number } | undefined
  log: Log
  clock: Clock
  /** The directory of the built IDE; null if there is none. */
  webDir: string | null
  version: string
}
