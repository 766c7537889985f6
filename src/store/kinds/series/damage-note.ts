import { z } from 'zod'
import { isoTime } from '../../../lib/clock.ts'
import type { BackupdError } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { readSmall } from '../../../objects/small-objects.ts'
import type { Repository } from '../../../restic/repository/repository.ts'
import { DAMAGE_NOTE } from '../../layout.ts'
import type { Store } from '../../store.ts'
import { exclusively } from '../../world.ts'

/** `<ip>/.damaged`: what reading its increments found. Times ISO 8601. */
const noteSchema = z.object({
  /** Packs in which something is not what was written, with when that was found. */
  packs: z.record(z.string(), z.string()),
  /** Snapshots that could not be recovered for it, with when and why. */
  snapshots: z.record(z.string(), z.object({ at: z.string(), reason: z.string() })),
})
export type DamageNote = z.infer<typeof noteSchema>

/** The own namespace, with its repository. */
export interface Noting {
  store: Pick<Store, 'driver' | 'assertOwner'>
  ip: string
  repository: Repository
  nowMs: number
}

/** Nothing where there is no note, or none that can be read. */
export async function readDamage(driver: Driver, namespace: string): Promise<DamageNote> {
  const text = await readSmall(driver, nameOf(namespace))
  if (!text) return { packs: {}, snapshots: {} }
  try {
    return noteSchema.parse(JSON.parse(text.toString()))
  } catch {
    return { packs: {}, snapshots: {} }
  }
}

/** Notes the packs in which damage was found: from then on their content counts as missing. */
export async function noteDamagedPacks(noting: Noting): Promise<void> {
  await change(noting, (note) => withPacks(note, noting))
}

/** As noteDamagedPacks; and the snapshot, which is not good until it was read whole. The first finding stands. */
export async function noteCorrupt(noting: Noting, snapshot: string, error: BackupdError): Promise<void> {
  const found = { at: isoTime(noting.nowMs), reason: reasonOf(error) }
  await change(noting, (note) => ({
    packs: withPacks(note, noting).packs,
    snapshots: { [snapshot]: found, ...note.snapshots },
  }))
}

/** All of the snapshot was read, and is what was written. */
export async function noteWhole(noting: Noting, snapshot: string): Promise<void> {
  await change(noting, (note) => {
    const { [snapshot]: _taken, ...snapshots } = note.snapshots
    return { packs: withPacks(note, noting).packs, snapshots }
  })
}

/** After a prune: without packs that are gone, and snapshots that are. */
export async function tidyDamage(noting: Noting): Promise<void> {
  const { repository } = noting
  const index = await repository.loadIndex()
  const snapshots = new Set(await Array.fromAsync(repository.listUnpacked('snapshots')))
  const isThere = (pack: string) => {
    const number = index.packNumber(pack)
    return number !== undefined && !index.isGone(number)
  }
  await change(noting, (note) => ({
    packs: keep(withPacks(note, noting).packs, isThere),
    snapshots: keep(note.snapshots, (id) => snapshots.has(id)),
  }))
}

async function change({ store, ip }: Noting, how: (note: DamageNote) => DamageNote): Promise<void> {
  await store.assertOwner()
  await exclusively({ driver: store.driver, identity: { ip } }, async () => {
    const before = await readDamage(store.driver, ip)
    const after = JSON.stringify(how(before))
    if (after !== JSON.stringify(before)) await store.driver.replace(nameOf(ip), Buffer.from(`${after}\n`))
  })
}

function withPacks(note: DamageNote, { repository, nowMs }: Noting): DamageNote {
  const found = Array.from(repository.distrusted, (pack) => [pack, isoTime(nowMs)])
  return { ...note, packs: { ...Object.fromEntries(found), ...note.packs } }
}

function keep<T>(all: Record<string, T>, isKept: (id: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([id]) => isKept(id)))
}

function reasonOf({ message, facts }: BackupdError): string {
  const { files, count } = facts
  if (!Array.isArray(files) || typeof count !== 'number') return message
  return `the content of ${count} paths is damaged, such as ${JSON.stringify(files[0])}`
}

function nameOf(namespace: string): string {
  return `${namespace}/${DAMAGE_NOTE}`
}
