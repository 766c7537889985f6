import { z } from 'zod'
import { BackupdError } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { tryReadSmall } from '../objects/small-objects.ts'
import { wordList } from '../wire/fields.ts'
import { isUnusualHold } from '../wire/hold.ts'
import { HOLD_NOTE } from './layout.ts'
import type { StoreParts } from './store-parts.ts'
import { exclusively } from './world.ts'

/**
 * `<ip>/.held`: what is kept whatever its age → the reasons. Snapshots by their ids, and backups without a manifest by their
 * names; the other ones have their reasons in the manifest.
 */
const holdNoteSchema = z.record(z.string(), wordList)
type HoldNote = z.infer<typeof holdNoteSchema>

/** The reasons to keep a snapshot, or a backup without a manifest; empty if there is none. */
export type FindHolds = (key: string) => readonly string[]

interface OwnNote {
  store: Pick<StoreParts, 'driver' | 'assertOwner'>
  /** The own namespace. */
  ip: string
}

/** If the note is unreadable, anything may be held: all of it counts as such, with that as the reason. */
export async function readHolds(driver: Driver, namespace: string): Promise<FindHolds> {
  const { note, problem } = await readHoldNote(driver, namespace)
  if (problem !== null) return () => [describeProblem(namespace, problem)]
  const held = new Map(Object.entries(note))
  return (key) => held.get(key) ?? []
}

export async function describeUnreadableHolds(
  driver: Driver,
  namespace: string,
): Promise<string | undefined> {
  const { problem } = await readHoldNote(driver, namespace)
  return problem === null ? undefined : describeProblem(namespace, problem)
}

function describeProblem(namespace: string, problem: string): string {
  const what = `The note of what is held, "${makeHoldKey(namespace)}" in the store, cannot be read: ${problem}`
  return `${what}. Until it can, no snapshot and no backup without a manifest is deleted. Bring the file back, or delete it to release all that it held`
}

/** Does nothing while the note is unreadable, because then every snapshot is held. */
export async function addHold(own: OwnNote, snapshot: string, reason: string): Promise<void> {
  await updateHoldNote(own, (note) => ({ ...note, [snapshot]: [...(note[snapshot] ?? []), reason] }))
}

/**
 * Changes the reasons of one key. Throws CONFLICT if the note is unreadable.
 * @param change called under the lock of the namespace; it may throw
 */
export async function changeHolds(
  own: OwnNote,
  key: string,
  change: (reasons: readonly string[]) => string[] | Promise<string[]>,
): Promise<void> {
  const problem = await updateHoldNote(own, async (note) => {
    const held = new Map(Object.entries(note))
    held.set(key, await change(held.get(key) ?? []))
    return Object.fromEntries([...held].filter(([, reasons]) => reasons.length > 0))
  })
  if (problem !== null) throw new BackupdError('CONFLICT', describeProblem(own.ip, problem))
}

/**
 * Releases what is held because a run after it was unusual, and drops snapshots that do not exist any more.
 * @param snapshots that are released
 * @param existing all snapshots of the repository
 */
export async function releaseHolds(
  own: OwnNote,
  snapshots: ReadonlySet<string>,
  existing: ReadonlySet<string>,
): Promise<void> {
  await updateHoldNote(own, (note) => {
    const left = Object.entries(note).map(([key, reasons]) => {
      const kept = snapshots.has(key) ? reasons.filter((reason) => !isUnusualHold(reason)) : reasons
      return [key, existing.has(key) || !isSnapshotId(key) ? kept : []] as const
    })
    return Object.fromEntries(left.filter(([, reasons]) => reasons.length > 0))
  })
}

function isSnapshotId(key: string): boolean {
  return /^[\da-f]{64}$/.test(key)
}

/** Returns why nothing was changed: the note is unreadable; null if it was. */
async function updateHoldNote(
  { store, ip }: OwnNote,
  update: (note: HoldNote) => HoldNote | Promise<HoldNote>,
): Promise<string | null> {
  await store.assertOwner()
  return await exclusively({ driver: store.driver, identity: { ip } }, async () => {
    const { note, problem } = await readHoldNote(store.driver, ip)
    if (problem !== null) return problem
    const text = JSON.stringify(await update(note))
    await store.driver.replace(makeHoldKey(ip), Buffer.from(`${text}\n`))
    return null
  })
}

async function readHoldNote(
  driver: Driver,
  namespace: string,
): Promise<{ note: HoldNote; problem: string | null }> {
  const { content, problem } = await tryReadSmall(driver, makeHoldKey(namespace))
  if (!content) return { note: {}, problem }
  try {
    return { note: holdNoteSchema.parse(JSON.parse(content.toString())), problem: null }
  } catch {
    return { note: {}, problem: 'it is not JSON of the expected form' }
  }
}

function makeHoldKey(namespace: string): string {
  return `${namespace}/${HOLD_NOTE}`
}
