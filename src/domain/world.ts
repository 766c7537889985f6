import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Problems } from '../lib/problems.ts'
import type { TrustedClock } from '../lib/trusted-clock.ts'
import type { Background } from './background.ts'
import type { InventoryState } from './inventory-state.ts'
import type { Plan } from './plan.ts'
import type {
  AuditStore,
  BackupStore,
  CatalogCopier,
  DaemonPort,
  InventoryMemory,
  RecordStore,
  ServerStore,
} from './ports.ts'
import type { RecordLedger } from './record-ledger.ts'
import type { ServerState } from './server-state.ts'
import type { SetAside } from './set-aside.ts'

/** Everything a verb is handed: what it may ask, and what the controller knows now. */
export interface World {
  readonly ports: Ports
  readonly clock: Clock
  /** Whether that clock is in doubt; undefined where nothing watches it. */
  readonly trustedClock: TrustedClock | undefined
  readonly log: Log
  /** What an operator must see to; `about` names the server. Its daemon's own problems are in `servers`. */
  readonly problems: Problems
  readonly settings: ControllerSettings
  readonly inventory: InventoryState
  /** Has the source look again; resolves when its news is taken. Does nothing until a source is watched. */
  rereadInventory(): Promise<void>
  /** Every server that is in the inventory or still has to take its empty list, by IP. */
  readonly servers: Map<string, ServerState>
  readonly ledger: RecordLedger
  readonly background: Background
  /** Of the deletion of old records. `forgottenAt`: unix ms of the last time, null before the first. */
  readonly history: { forgottenAt: number | null; closing: boolean }
  readonly setAside: SetAside
}

export interface Ports {
  records: RecordStore
  backups: BackupStore
  servers: ServerStore
  audit: AuditStore
  copier: CatalogCopier
  daemon: DaemonPort
  inventoryMemory: InventoryMemory
}

export interface ControllerSettings {
  /** Where daemons reach this controller: `http://10.0.0.1:9002`. */
  advertise: string
  /** By what daemons know this controller; kept in the catalog. */
  identity: string
  /** Whether a daemon whose jobs are from another controller is to change over to this one. */
  takesOver(server: string): boolean
  /** Where volumes lie whose path the inventory does not name. */
  volumeRoot: string
  /** Called with each plan that comes into force, before its jobs go anywhere. */
  onInForce?: ((plan: Plan) => void) | undefined
  /** Records and audit entries are deleted when they are older. */
  keepRecordsMs: number
  /** Addresses that news of this server may come from besides its own. */
  newsFrom(server: string): readonly string[]
}
