import { z } from 'zod'
import { isoTime } from '../../../lib/clock.ts'
import type { BackupdError } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { tryReadSmall } from '../../../objects/small-objects.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { DAMAGE_NOTE } from '../../layout.ts'
import type { StoreParts } from '../../store-parts.ts'
import { exclusively } from '../../world.ts'

/** `<ip>/.damaged`: damage found while reading the increments of the namespace. Times are ISO 8601. */
const noteSchema = z.object({
  /** Damaged packs → when the damage was found. */
  packs: z.record(z.string(), z.string()),
  /** Snapshots that cannot be recovered completely, with when and why. */
  snapshots: z.record(z.string(), z.object({ at: z.string(), reason: z.string() })),
  /** Damaged index files of the repository, which are not read any more → when the damage was found. */
  indexes: z.record(z.string(), z.string()).optional(),
})
export type DamageNote = z.infer<typeof noteSchema>

/** The own namespace, with its repository. */
export interface Noting {
  store: Pick<StoreParts, 'driver' | 'assertOwner'>
  ip: string
  repository: Repository
  nowMs: number
}

/** Empty if the note is missing or unreadable. */
export async function readDamage(driver: Driver, namespace: string): Promise<DamageNote> {
  return (await readNote(driver, namespace)).note
}

/** Tells that the note is unreadable, because backups that were found corrupt then count as good. */
export async function describeUnreadableNote(driver: Driver, namespace: string): Promise<string | undefined> {
  const { problem } = await readNote(driver, namespace)
  if (problem === null) return undefined
  const key = noteKey(namespace)
  return `The note of damaged increments, "${key}" in the store, cannot be read: ${problem}. Until damage is found again, damaged snapshots count as good. Bring the file back, or delete it to accept that`
}

async function readNote(
  driver: Driver,
  namespace: string,
): Promise<{ note: DamageNote; problem: string | null }> {
  const nothing = { packs: {}, snapshots: {} }
  const { content, problem } = await tryReadSmall(driver, noteKey(namespace))
  if (!content) return { note: nothing, problem }
  try {
    return { note: noteSchema.parse(JSON.parse(content.toString())), problem: null }
  } catch {
    return { note: nothing, problem: 'it is not JSON of the expected form' }
  }
}

/**
 * Notes the packs and index files in which damage was found: from now on their content counts as missing, so that the
 * next run stores it again.
 */
export async function noteDamagedPacks(noting: Noting): Promise<void> {
  await updateNote(noting, (note) => addFound(note, noting))
}

/** Notes the damaged packs, and the snapshot as corrupt until it is read completely again. The first finding is kept. */
export async function noteCorrupt(noting: Noting, snapshot: string, error: BackupdError): Promise<void> {
  const found = { at: isoTime(noting.nowMs), reason: describeDamage(error) }
  await updateNote(noting, (note) => ({
    ...addFound(note, noting),
    snapshots: { [snapshot]: found, ...note.snapshots },
  }))
}

/** Removes the snapshot from the note, after all of it was read without damage. */
export async function noteWhole(noting: Noting, snapshot: string): Promise<void> {
  await updateNote(noting, (note) => {
    const { [snapshot]: _taken, ...snapshots } = note.snapshots
    return { ...addFound(note, noting), snapshots }
  })
}

/** After a prune: removes packs and snapshots from the note that no longer exist. */
export async function tidyDamage(noting: Noting): Promise<void> {
  const { repository } = noting
  const index = await repository.loadIndex()
  const snapshots = new Set(await Array.fromAsync(repository.listUnpacked('snapshots')))
  const isThere = (pack: string) => {
    const number = index.packNumber(pack)
    return number !== undefined && !index.isGone(number)
  }
  const indexes = new Set(await Array.fromAsync(repository.listUnpacked('index')))
  await updateNote(noting, (note) => {
    const found = addFound(note, noting)
    return {
      packs: filterEntries(found.packs, isThere),
      snapshots: filterEntries(note.snapshots, (id) => snapshots.has(id)),
      ...(found.indexes && { indexes: filterEntries(found.indexes, (id) => indexes.has(id)) }),
    }
  })
}

async function updateNote({ store, ip }: Noting, update: (note: DamageNote) => DamageNote): Promise<void> {
  await store.assertOwner()
  await exclusively({ driver: store.driver, identity: { ip } }, async () => {
    const before = await readDamage(store.driver, ip)
    const after = JSON.stringify(update(before))
    if (after !== JSON.stringify(before)) await store.driver.replace(noteKey(ip), Buffer.from(`${after}\n`))
  })
}

function addFound(note: DamageNote, { repository, nowMs }: Noting): DamageNote {
  const { distrusted, ignoredIndexes } = repository
  const at = isoTime(nowMs)
  const packs = { ...Object.fromEntries(Array.from(distrusted, (pack) => [pack, at])), ...note.packs }
  if (ignoredIndexes.size === 0) return { ...note, packs }
  const indexes = Object.fromEntries(Array.from(ignoredIndexes, (file) => [file, at]))
  return { ...note, packs, indexes: { ...indexes, ...note.indexes } }
}

function filterEntries<T>(all: Record<string, T>, isKept: (id: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([id]) => isKept(id)))
}

function describeDamage({ message, facts }: BackupdError): string {
  const { files, count } = facts
  if (!Array.isArray(files) || typeof count !== 'number') return message
  return `the content of ${count} paths is damaged, such as ${JSON.stringify(files[0])}`
}

function noteKey(namespace: string): string {
  return `${namespace}/${DAMAGE_NOTE}`
}
