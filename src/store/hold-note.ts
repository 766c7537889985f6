import { z } from 'zod'
import type { Driver } from '../../../objects/driver.ts'
import { tryReadSmall } from '../../../objects/small-objects.ts'
import { wordList } from '../../../wire/fields.ts'
import { isUnusualHold } from '../../../wire/hold.ts'
import { HOLD_NOTE } from '../../layout.ts'
import type { StoreParts } from '../../store-parts.ts'
import { exclusively } from '../../world.ts'

/** `<ip>/.held`: snapshots that are kept whatever their age → the reasons. */
const holdNoteSchema = z.record(z.string(), wordList)
type HoldNote = z.infer<typeof holdNoteSchema>

/** The reasons to keep a snapshot; empty if there is none. */
export type FindHolds = (snapshot: string) => readonly string[]

interface Namespace {
  store: Pick<StoreParts, 'driver' | 'assertOwner'>
  /** The own namespace. */
  ip: string
}

/** If the note is unreadable, any snapshot may be held: all of them count as such, with that as the reason. */
export async function readHolds(driver: Driver, namespace: string): Promise<FindHolds> {
  const { note, problem } = await readHoldNote(driver, namespace)
  if (problem !== null) return () => [describeProblem(namespace, problem)]
  return (snapshot) => note[snapshot] ?? []
}

export async function describeUnreadableHolds(
  driver: Driver,
  namespace: string,
): Promise<string | undefined> {
  const { problem } = await readHoldNote(driver, namespace)
  return problem === null ? undefined : describeProblem(namespace, problem)
}

function describeProblem(namespace: string, problem: string): string {
  const what = `The note of held snapshots, "${makeHoldKey(namespace)}" in the store, cannot be read: ${problem}`
  return `${what}. Until it can, no snapshot expires. Bring the file back, or delete it to release all of them`
}

/** Does nothing while the note is unreadable, because then every snapshot is held. */
export async function addHold(namespace: Namespace, snapshot: string, reason: string): Promise<void> {
  await updateHoldNote(namespace, (note) => ({ ...note, [snapshot]: [...(note[snapshot] ?? []), reason] }))
}

/**
 * Releases what is held because a run after it was unusual, and drops snapshots that do not exist any more.
 * @param snapshots that are released
 * @param existing all snapshots of the repository
 */
export async function releaseHolds(
  namespace: Namespace,
  snapshots: ReadonlySet<string>,
  existing: ReadonlySet<string>,
): Promise<void> {
  await updateHoldNote(namespace, (note) => {
    const left = Object.entries(note).map(([id, reasons]) => {
      const kept = snapshots.has(id) ? reasons.filter((reason) => !isUnusualHold(reason)) : reasons
      return [id, existing.has(id) ? kept : []] as const
    })
    return Object.fromEntries(left.filter(([, reasons]) => reasons.length > 0))
  })
}

async function updateHoldNote({ store, ip }: Namespace, update: (note: HoldNote) => HoldNote): Promise<void> {
  await store.assertOwner()
  await exclusively({ driver: store.driver, identity: { ip } }, async () => {
    const { note, problem } = await readHoldNote(store.driver, ip)
    if (problem !== null) return
    await store.driver.replace(makeHoldKey(ip), Buffer.from(`${JSON.stringify(update(note))}\n`))
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
