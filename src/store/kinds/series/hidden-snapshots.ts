import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { tryReadSmall } from '../../../objects/small-objects.ts'
import { type HiddenMark, hiddenMarkSchema } from '../../../wire/hidden.ts'
import { HIDDEN_SNAPSHOTS } from '../../layout.ts'
import type { StoreParts } from '../../store-parts.ts'
import { exclusively } from '../../world.ts'

/**
 * `<ip>/.hidden-snapshots`: which snapshots were deleted and can be restored, by delete. Their files stay in `snapshots/` of the
 * repository, so that every prune, also of restic, keeps what they need.
 */
const listSchema = z.array(
  z.object({ ...hiddenMarkSchema.shape, snapshots: z.array(z.string().regex(/^[\da-f]{64}$/)) }),
)

/** Marks by the id of the snapshot. */
export type HiddenSnapshots = ReadonlyMap<string, HiddenMark>

export interface OwnSeries {
  store: StoreParts
  /** The own namespace. */
  ip: string
}

/** If the list is unreadable, nothing is hidden, so that nothing is lost. */
export async function readHiddenSnapshots(driver: Driver, namespace: string): Promise<HiddenSnapshots> {
  return (await readHiddenList(driver, namespace)).hidden
}

export async function describeUnreadableHidden(
  driver: Driver,
  namespace: string,
): Promise<string | undefined> {
  const { problem } = await readHiddenList(driver, namespace)
  return problem === null ? undefined : describeProblem(namespace, problem)
}

/**
 * Throws CONFLICT if the list is unreadable.
 * @param change called under the lock of the namespace; it may throw
 */
export async function changeHiddenSnapshots(
  { store, ip }: OwnSeries,
  change: (hidden: HiddenSnapshots) => Promise<HiddenSnapshots>,
): Promise<void> {
  await store.assertOwner()
  await exclusively({ driver: store.driver, identity: { ip } }, async () => {
    const { hidden, problem } = await readHiddenList(store.driver, ip)
    if (problem !== null) throw new BackupdError('CONFLICT', describeProblem(ip, problem))
    const changed = await change(hidden)
    if (changed !== hidden)
      await store.driver.replace(makeListKey(ip), Buffer.from(`${JSON.stringify(toList(changed))}\n`))
  })
}

function toList(hidden: HiddenSnapshots): z.infer<typeof listSchema> {
  const deletes = Map.groupBy(hidden, ([, { at, until, by }]) => JSON.stringify([at, until, by]))
  return [...deletes.values()].flatMap((some) => {
    const mark = some[0]?.[1]
    return mark ? [{ ...mark, snapshots: some.map(([id]) => id) }] : []
  })
}

async function readHiddenList(
  driver: Driver,
  namespace: string,
): Promise<{ hidden: HiddenSnapshots; problem: string | null }> {
  const { content, problem } = await tryReadSmall(driver, makeListKey(namespace))
  if (!content) return { hidden: new Map(), problem }
  try {
    const list = listSchema.parse(JSON.parse(content.toString()))
    const marks = list.flatMap(({ snapshots, ...mark }) => snapshots.map((id) => [id, mark] as const))
    return { hidden: new Map(marks), problem: null }
  } catch {
    return { hidden: new Map(), problem: 'it is not JSON of the expected form' }
  }
}

function describeProblem(namespace: string, problem: string): string {
  const what = `The list of deleted snapshots that can be restored, "${makeListKey(namespace)}" in the store, cannot be read: ${problem}`
  return `${what}. Until it can, these snapshots are listed again, and no other one can be deleted so that it can be undone. Bring the file back, or delete it to restore them all`
}

function makeListKey(namespace: string): string {
  return `${namespace}/${HIDDEN_SNAPSHOTS}`
}
