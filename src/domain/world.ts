import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { TrustedClock } from '../lib/trusted-clock.ts'
import type { RunRecord } from '../wire/record.ts'
import type { AccessState } from './access/access-state.ts'
import type { DownloadTickets } from './access/download-tickets.ts'
import type { SessionBook } from './access/session-book.ts'
import type { TokenBook } from './access/token-book.ts'
import type { AlarmStore } from './alarm-ports.ts'
import type { AlarmDesk } from './alarms/alarm-desk.ts'
import type { Background } from './background.ts'
import type { DeleteDesk } from './delete-desk.ts'
import type { DeleteStore } from './delete-ports.ts'
import type { EnrolmentBook } from './enrolment/enrolment-book.ts'
import type { AuthorityPort, EnrolmentMark, EnrolmentStore } from './enrolment-ports.ts'
import type { HealthBoard } from './health/board.ts'
import type { HealthStore } from './health-ports.ts'
import type { InventoryState } from './inventory-state.ts'
import type { NamespaceReaders } from './namespace-readers.ts'
import type { NewsGate } from './news-gate.ts'
import type { NewsLine } from './news-line.ts'
import type { NotifyDesk } from './notify/notify-desk.ts'
import type { MailPort, NotificationStore, WebhookPort } from './notify-ports.ts'
import type { OwnStalls } from './own-stalls.ts'
import type { Pace } from './pace.ts'
import type { Plan } from './plan.ts'
import type {
  AccessStore,
  AuditStore,
  BackupStore,
  CatalogCopier,
  DaemonPort,
  InventoryMemory,
  RecordStore,
  ServerStore,
  SessionStore,
  TokenStore,
} from './ports.ts'
import type { RecordLedger } from './record-ledger.ts'
import type { RelistQueue } from './relist-queue.ts'
import type { ServerState } from './server-state.ts'
import type { SetAside } from './set-aside.ts'

/** The context of every verb: the ports, and the controller's present state. */
export interface World {
  readonly ports: Ports
  readonly clock: Clock
  /** Tells whether `clock` is in doubt; undefined if nothing watches it. */
  readonly trustedClock: TrustedClock | undefined
  readonly log: Log
  /** What an operator has to fix; `about` names the server. The problems that daemons report are in `servers`. */
  readonly problems: Problems
  readonly settings: ControllerSettings
  readonly inventory: InventoryState
  /** Makes the source read again; resolves when its news is applied. Does nothing until a source is watched. */
  rereadInventory(): Promise<void>
  /** By IP: servers in the inventory, and those that still have to accept their empty list of jobs. */
  readonly servers: Map<string, ServerState>
  readonly polling: Polling
  readonly readers: NamespaceReaders
  readonly ledger: RecordLedger
  /** Admits posts of news. */
  readonly newsGate: NewsGate
  /** The admitted posts, waiting to be taken together. */
  readonly newsLine: NewsLine
  readonly stalls: OwnStalls
  readonly background: Background
  readonly relisting: RelistQueue
  /** State of the deletion of old records. `forgottenAt`: unix ms of the last one, null before the first. */
  readonly history: { forgottenAt: number | null; closing: boolean }
  readonly setAside: SetAside
  /** Deletes that are asked for. */
  readonly deletes: DeleteDesk
  /** The health of every planned backup job. */
  readonly health: HealthBoard
  readonly alarms: AlarmDesk
  readonly notify: NotifyDesk
  readonly tokens: TokenBook
  /** Who signed in with a browser. */
  readonly sessions: SessionBook
  /** Gives out the addresses of downloads. */
  readonly downloads: DownloadTickets
  readonly access: AccessState
  /** Which daemons have a certificate. */
  readonly enrolments: EnrolmentBook
}

/** Spreads the requests to the daemons, so that a large fleet never answers in one wave. */
export interface Polling {
  readonly polls: Pace
  readonly refreshes: Pace
  /** Questions about runs that were lost. */
  readonly revivals: Pace
  /** From 0 to 1. */
  random(): number
}

/** The time to measure ages by, unix ms: a wall clock that jumps ahead would delete history, or end a hold. */
export function trustedNow({ trustedClock, clock }: World): number {
  return (trustedClock ?? clock).now()
}

/** What the time may be, unix ms: two if the clock is in doubt. */
export function possibleTimes({ trustedClock, clock }: World): readonly number[] {
  return trustedClock?.possibleTimes ?? [clock.now()]
}

export interface Ports {
  records: RecordStore
  backups: BackupStore
  deletes: DeleteStore
  servers: ServerStore
  health: HealthStore
  alarms: AlarmStore
  notifications: NotificationStore
  webhooks: WebhookPort
  mail: MailPort
  audit: AuditStore
  tokens: TokenStore
  sessions: SessionStore
  access: AccessStore
  /** If left out, no daemon has a certificate. */
  enrolments?: EnrolmentStore | undefined
  /** If left out, only the list says whether a daemon ever enrolled. */
  enrolmentMark?: EnrolmentMark | undefined
  /** undefined: the controller certifies no daemons. */
  authority?: AuthorityPort | undefined
  copier: CatalogCopier
  daemon: DaemonPort
  inventoryMemory: InventoryMemory
}

export interface ControllerSettings {
  /** The URL at which daemons reach this controller: `http://10.0.0.1:9002`. */
  advertise: string
  /** The id by which daemons know this controller; stored in the catalog. */
  identity: string
  /** Whether to take over a daemon that has the jobs of another controller. */
  takesOver(server: string): boolean
  /** The directory of volumes whose path the inventory does not name. */
  volumeRoot: string
  /** Called with each plan that comes into force, before its jobs are sent. */
  onInForce?: ((plan: Plan) => void) | undefined
  /** Called with each run that ended, once that is on disk, and with its end by our own clock, unix ms. */
  onEnded?: ((record: RunRecord, endedAt: number) => void) | undefined
  /** Records are deleted when they are older. */
  keepRecordsMs: number
  /** The same for entries of the audit; as long as records if left out. */
  keepAuditMs?: number
  /** How long the delete of a backup or snapshot can be undone; it is final if this is 0 or left out. */
  undoWindowMs?: number
  /** The least time after which a planned run that has not ended is overdue. */
  overdueGraceMs: number
  /** Addresses besides its own from which this server may send news. */
  newsFrom(server: string): readonly string[]
  /** Whether plain HTTP is used with this server, although others have certificates; by default never. */
  isLegacyPeer?(server: string): boolean
  /** The server whose daemon runs in this process, with the URL at which it knows the controller; undefined: none. */
  internal?: { ip: string; url: string } | undefined
}
