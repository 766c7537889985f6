import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Driver } from '../../src/objects/driver.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { createStore } from '../../src/store/create-store.ts'
import type { BeginInput, ManifestFacts, PendingBackup, Store } from '../../src/store/store.ts'
import type { Manifest } from '../../src/wire/backup.ts'
import { newRid } from '../../src/wire/ids.ts'
import { type FaultyDriver, faultyDriver } from './faulty-driver.ts'
import { ARCHIVE, factsOf, INDEX, IP, OBJECT, SOURCE, T0 } from './store-samples.ts'

/** Where a sync costs nothing, if there is such a place. */
const FAST_DIR = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A new empty directory, removed after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(FAST_DIR, 'backupd-store-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A driver over `dir` with faults to order; the test fails where one was never hit. */
export function faultyLocal(dir: string): FaultyDriver {
  const faulty = faultyDriver(localDriver(dir))
  onTestFinished(() => faulty.assertAllHit())
  return faulty
}

/** A clock that stands until it is moved. Unix seconds. */
export function handClock(seconds = T0) {
  let now = seconds
  return {
    now: () => now * 1000 + 799,
    set(to: number) {
      now = to
    },
  }
}

export interface StoreTest {
  dir: string
  store: Store
  clock: { now(): number; set(seconds: number): void }
  warnings: string[]
  /** Names in the own namespace, sorted. */
  names(): string[]
}

/** A store in a new directory, claimed. */
export async function openedStore(
  options: { dir?: string; driver?: Driver; daemonId?: string } = {},
): Promise<StoreTest> {
  const made = storeIn(options.dir ?? tempDir(), options)
  await made.store.claim(false)
  return made
}

/** As openedStore, without claiming it. */
export function storeIn(dir: string, { driver = localDriver(dir), daemonId = 'daemon-a' } = {}): StoreTest {
  const clock = handClock()
  const warnings: string[] = []
  const identity = { ip: IP, daemonId, version: '0.1.0' }
  const store = createStore({ driver, identity, clock, warn: (message) => void warnings.push(message) })
  return { dir, store, clock, warnings, names: () => namesIn(dir) }
}

/** All but the files that are always there. */
export function namesIn(dir: string): string[] {
  const own = ['.owner', '.lock', '.meta']
  return readdirSync(join(dir, IP))
    .filter((name) => !own.includes(name))
    .sort()
}

/** A backup that is written, not yet published. */
export async function writtenBackup(
  store: Store,
  { archive = ARCHIVE, source = SOURCE, rid = newRid(T0 * 1000), ...more }: Partial<BeginInput> = {},
) {
  const pending = await store.begin({ archive, rid, source, ...more })
  onTestFinished(() => drop(pending))
  await pending.object.write(OBJECT)
  await pending.index.write(INDEX)
  return { pending, rid }
}

/** A published backup. */
export async function madeBackup(
  store: Store,
  { archive, source = SOURCE, ...change }: Partial<ManifestFacts> & { archive?: string } = {},
): Promise<Manifest> {
  const { pending, rid } = await writtenBackup(
    store,
    archive === undefined ? { source } : { archive, source },
  )
  return (await pending.publish(factsOf(rid, { source, ...change }))).manifest
}

/** Gives up a run as a killed process does: open files are closed, nothing else happens. */
export async function drop(pending: PendingBackup): Promise<void> {
  await Promise.allSettled([pending.object.close(), pending.index.close()])
}
