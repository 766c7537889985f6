import type { Driver } from '../../../src/objects/driver.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import type { Manifest } from '../../../src/wire/backup.ts'
import { secondsClock } from '../hand-clock.ts'
import { publishSample } from '../sample-backups.ts'
import { putSnapshots, sampleFacts, sampleSnapshot } from '../snapshot-samples.ts'
import { IP, namesIn, T0 } from '../store-samples.ts'
import { tempDir } from '../temp-dir.ts'
import { createWholeStore, type WholeStore } from '../whole-store.ts'
import { checkStarted, type Facts } from './facts.ts'
import { makeSeveral, type Several } from './several.ts'
import { subjectOf } from './subject.ts'

export interface StoreOptions {
  /** Its folder; a new one if absent. */
  dir?: string
  driver?: Driver
}

export interface ClaimOptions extends StoreOptions {
  takeOver?: boolean
}

export interface UnclaimedStore {
  dir: string
  store: WholeStore
  clock: ReturnType<typeof secondsClock>
  warnings: string[]
  /** Names in the own namespace, sorted. */
  names(): string[]
}

export interface ClaimedStore<Backups extends number, Snapshots extends number> extends UnclaimedStore {
  backups: Several<Manifest, Backups>
  /** Their ids, oldest first. */
  snapshots: Several<string, Snapshots>
}

/** A store whose daemon has not claimed its namespace yet. */
export function openUnclaimed(facts: Facts, options: StoreOptions = {}): UnclaimedStore {
  checkStarted(facts, 'unclaimedStore')
  return openStoreIn(facts, options)
}

function openStoreIn({ owner }: Facts, options: StoreOptions): UnclaimedStore {
  const { dir = tempDir(), driver = localDriver(dir) } = options
  const [clock, warnings] = [secondsClock(), [] as string[]]
  const identity = { ip: IP, daemonId: owner, version: '0.1.0' }
  const store = createWholeStore({ driver, identity, clock, warn: (message) => void warnings.push(message) })
  return { dir, store, clock, warnings, names: () => namesIn(dir) }
}

/** A store whose namespace is claimed, with what was described in it. */
export async function openClaimed<Backups extends number, Snapshots extends number>(
  facts: Facts<Backups, Snapshots>,
  { takeOver = false, ...options }: ClaimOptions = {},
): Promise<ClaimedStore<Backups, Snapshots>> {
  checkStarted(facts, 'store')
  const opened = openStoreIn(facts, options)
  const { store } = opened
  await store.claim(takeOver)
  if (facts.snapshots > 0) await store.preparePassword()
  const { archive, place, ...volume } = subjectOf(facts)
  const source = `/data/lain/volumes/${place}`
  return {
    ...opened,
    backups: await makeSeveral(facts.backups, () => publishSample(store, { ...volume, archive, source })),
    snapshots: await makeSeveral(facts.snapshots, (at) => putOne(store, at)),
  }
}

async function putOne(store: WholeStore, at: number): Promise<string> {
  const [id = ''] = await putSnapshots(
    store,
    sampleSnapshot({ backupd: sampleFacts({ sequence: at + 1 }) }, T0 + at),
  )
  return id
}
