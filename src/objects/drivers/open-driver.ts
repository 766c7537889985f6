import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { describePlace, type StoreSettings } from '../../wire/store-settings.ts'
import { FolderCache } from '../cache/folder-cache.ts'
import { FreshCopies } from '../cache/fresh-copies.ts'
import type { BareDriver, ContentCache, Driver } from '../driver.ts'
import { withLocalLocks } from '../wrap/local-locks.ts'
import { meteredDriver } from '../wrap/metered-driver.ts'
import { Patience } from '../wrap/patience.ts'
import { retryingDriver } from '../wrap/retrying-driver.ts'
import { localDriver } from './local.ts'
import { mooseFsDriver } from './moosefs/moosefs.ts'
import { s3Driver } from './s3/s3.ts'
import type { CountOptions } from './s3/used-bytes.ts'

/** The daemon that opens a store. */
export interface Opener {
  /** The daemon's local data directory. */
  dataDir: string
  clock: Clock
  /** The folder of this daemon in the store, whose room counts; without it, a counted quota is not known. */
  namespace?: string
  /** How long one call may be repeated while the store does not answer, ms; default 2 minutes. */
  patienceMs?: number
  /** For a run that proves what the store has: it uses no cached copies but its own. Default: false. */
  isProof?: boolean
  /** Called for problems that make nothing fail. */
  warn?(message: string): void
}

/** About as long as mfsmount waits for its master. */
const PATIENCE_MS = 120_000
/** Of all calls of a run together. */
const TOTAL_PATIENCE_MS = 15 * 60_000
/** The index and the directories of about 20 million files, in increments. */
const MAX_CACHE_BYTES = 1024 ** 3

type Open<Settings> = (settings: Settings, opener: Opener) => BareDriver

/** All drivers by name. A new driver adds a line, and must pass test/contract/driver-contract.ts. */
const DRIVERS: { [Name in StoreSettings['driver']]: Open<StoreSettings & { driver: Name }> } = {
  local: ({ dir }) => localDriver(dir),
  moosefs: ({ dir }, { clock }) => mooseFsDriver(dir, clock),
  s3: (settings, opener) => ({
    ...retryingDriver(s3Driver(settings, makeCounting(opener)), makePatience(opener)),
    cache: openCache(opener),
  }),
}

/** Does not access the store yet: see Driver.check. */
export function openDriver<Settings extends StoreSettings>(settings: Settings, opener: Opener): Driver {
  const open = DRIVERS[settings.driver] as Open<StoreSettings>
  const locks = {
    lockDir: join(opener.dataDir, 'locks'),
    store: describePlace(settings),
    asksStore: settings.driver !== 's3',
  }
  return meteredDriver(withLocalLocks(open(settings, opener), locks))
}

function makeCounting({ dataDir, clock, namespace }: Opener): CountOptions | undefined {
  return namespace === undefined ? undefined : { namespace, clock, file: join(dataDir, 'store-usage.json') }
}

function makePatience({ clock, patienceMs = PATIENCE_MS }: Opener): Patience {
  return new Patience({ clock, callMs: patienceMs, totalMs: TOTAL_PATIENCE_MS })
}

function openCache({ dataDir, warn, isProof = false }: Opener): ContentCache {
  const folder = join(dataDir, 'cache')
  const cache = new FolderCache({ folder, maxBytes: MAX_CACHE_BYTES, ...(warn && { warn }) })
  return isProof ? new FreshCopies(cache) : cache
}
