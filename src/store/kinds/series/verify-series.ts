import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import { checkPacks, type LostBlob } from '../../../restic/check/check-packs.ts'
import { collectPacks, type NeededPacks } from '../../../restic/check/collect-packs.ts'
import { type CheckedSnapshot, findTouchedFiles } from '../../../restic/check/touched-files.ts'
import type { ReadLock } from '../../../restic/repository/read-lock.ts'
import type { VerifyRun, VerifyVerdict } from '../../stored-backup.ts'
import { checkSnapshotFiles, type SnapshotFiles } from './check-snapshot-files.ts'
import { lockSeries, type ReadSeries } from './open-snapshot.ts'
import { type NewProof, writeProof } from './proof-note.ts'
import { createReadRepository, noteIfDamaged, noteNotDamaged, notePacks } from './report-damage.ts'
import { describeDamaged, type SnapshotDamage } from './snapshot-damage.ts'
import { beginPass, type Pass } from './verify-pass.ts'

/** The most damaged paths that are listed for each snapshot. */
const MAX_LISTED = 100

/** A series under verification, with what was found so far. */
interface Checking {
  read: ReadSeries
  run: VerifyRun
  lock: ReadLock
  pass: Pass
  /** Those that still exist. */
  snapshots: CheckedSnapshot[]
  lost: LostBlob[]
  /** Damaged packs and index files, by their names in the store. */
  damagedObjects: string[]
  unreadable: BackupdError[]
  bytes: number
}

/**
 * Reads all trees of the series and every pack that they need. Damage counts only if a second read finds it too; it and the
 * proof are noted in the store. Other series share the packs; their damage is found when they are verified.
 */
export async function verifySeries(read: ReadSeries, run: VerifyRun): Promise<VerifyVerdict> {
  const { world, namespace, repository, series } = read
  try {
    repository.ignoreDamagedIndexes()
    await using lock = await lockSeries(repository, run)
    const pass = await beginPass({ world, namespace, series: series.name, warn: run.warn })
    const exists = new Set(lock.snapshots)
    const all = series.snapshots.map(({ id, file }) => ({ id, tree: file.tree }))
    const snapshots = all.filter(({ id }) => exists.has(id))
    const found = { lost: [], damagedObjects: [], unreadable: [], bytes: 0 }
    const checking: Checking = { read, run, lock, pass, snapshots, ...found }
    try {
      return await conclude(checking, await checkSeries(checking))
    } finally {
      await pass.save()
    }
  } catch (error) {
    run.signal.throwIfAborted()
    if (error instanceof BackupdError) return { outcome: 'unreadable', error }
    throw error
  }
}

/** Returns what is damaged in each damaged snapshot. */
async function checkSeries(checking: Checking): Promise<Map<string, SnapshotDamage>> {
  const { read, run, snapshots, lost, unreadable } = checking
  const { repository } = read
  const needed = await collectPacks(repository, snapshots, run.signal)
  lost.push(...needed.lost)
  unreadable.push(...needed.unreadable)
  await readPacks(checking, needed)
  await noteIgnoredIndexes(checking)
  return lost.length > 0 ? await findDamages(checking) : new Map()
}

async function readPacks(checking: Checking, needed: NeededPacks): Promise<void> {
  const { read, run, pass, lost, unreadable, damagedObjects } = checking
  const { repository } = read
  const index = await repository.loadIndex()
  // A pack in which damage was found since the pass read it is read again.
  const isDone = (pack: string) => pass.has(pack) && !repository.distrusted.has(pack)
  const unread = new Map([...needed.packs].filter(([number]) => !isDone(index.packId(number))))
  const total = [...unread.values()].reduce((sum, bytes) => sum + bytes, 0)
  const onBytes = (bytes: number) => {
    checking.bytes += bytes
    run.onProgress({ bytes: checking.bytes, total })
  }
  for await (const checked of checkPacks(repository, unread.keys(), { signal: run.signal, onBytes })) {
    if (checked.state === 'intact') {
      repository.trust(checked.pack)
      await pass.add(checked.pack, checked.bytes)
    } else if (checked.state === 'unreadable') unreadable.push(checked.error)
    else {
      run.warn(`the pack ${checked.pack} is damaged: ${checked.reason}`)
      damagedObjects.push(`pack ${checked.pack}`)
      repository.distrust([checked.pack])
      lost.push(...checked.lost)
    }
  }
}

async function noteIgnoredIndexes({ read, run, damagedObjects }: Checking): Promise<void> {
  const { repository } = read
  const present = new Set(await Array.fromAsync(repository.listUnpacked('index')))
  for (const file of repository.ignoredIndexes) {
    if (!present.has(file)) continue
    run.warn(`the index file ${file} of the repository is damaged: it is not used any more`)
    damagedObjects.push(`index file ${file}`)
  }
}

async function findDamages({ read, run, snapshots, lost }: Checking): Promise<Map<string, SnapshotDamage>> {
  const { repository, series } = read
  const damages = new Map<string, SnapshotDamage>()
  const question = { snapshots, lost, signal: run.signal }
  for await (const { snapshot, path } of findTouchedFiles(repository, question)) {
    const damage = damages.get(snapshot) ?? { count: 0, paths: [] }
    damage.count++
    if (damage.paths.length < MAX_LISTED) damage.paths.push(withinVolume(bytesToText(path), series.source))
    damages.set(snapshot, damage)
  }
  return damages
}

/** Paths in a snapshot are absolute; makes them relative to the volume. */
function withinVolume(path: string, source: string): string {
  return path.startsWith(`${source}/`) ? path.slice(source.length + 1) : path
}

async function conclude(checking: Checking, damages: Map<string, SnapshotDamage>): Promise<VerifyVerdict> {
  const { read, unreadable, damagedObjects, bytes } = checking
  const files = await checkSnapshotFiles(read, checking.run)
  unreadable.push(...files.unreadable)
  await noteFindings(checking, damages, files)
  const [first] = damages
  const [lost] = files.lost.values()
  const damaged = first
    ? describeDamaged({ damage: first, others: damages.size - 1, objects: damagedObjects })
    : lost
  if (damaged) return { outcome: 'corrupt', error: damaged }
  const [error] = unreadable
  if (error) return { outcome: 'unreadable', error: describeUnreadable(error, unreadable.length) }
  const problems = [...files.problems, ...damagedObjects.map(describeHarmless)]
  return { outcome: 'verified', result: { method: 'hash', share: 1, bytes, problems } }
}

/** Without the lock, what is missing may just have been pruned. */
async function noteFindings(
  checking: Checking,
  damages: Map<string, SnapshotDamage>,
  { lost }: SnapshotFiles,
): Promise<void> {
  const { read, run, lock, snapshots, damagedObjects, unreadable } = checking
  if (!lock.isHeld()) return run.warn('What was found is not noted in the store: it was read without a lock')
  const { world, repository, namespace, series } = read
  const noting = createReadRepository(world, { repository, namespace, warn: run.warn })
  if (damagedObjects.length > 0) await notePacks(noting)
  for (const [id, damage] of damages)
    await noteIfDamaged(noting, id, describeDamaged({ damage: [id, damage], others: 0, objects: [] }))
  if (unreadable.length > 0) return
  const isIntact = (id: string) => !damages.has(id) && !lost.has(id)
  const healed = series.snapshots.filter(({ id, corrupt }) => corrupt !== null && isIntact(id))
  for (const { id } of healed) await noteNotDamaged(noting, id)
  const intact = snapshots.map(({ id }) => id).filter(isIntact)
  await noteProof(checking, { snapshots: intact, lost: [...lost.keys()], existing: lock.snapshots })
  checking.pass.end()
}

async function noteProof(
  { read, run, pass }: Checking,
  snapshots: Pick<NewProof, 'snapshots' | 'lost' | 'existing'>,
): Promise<void> {
  const { world, namespace, series } = read
  if (namespace !== world.identity.ip) return
  // Packs of an earlier run were read then.
  const proof = { at: pass.since, rid: run.rid, method: 'hash', share: 1 } as const
  await writeProof(world, { name: series.name, proof, ...snapshots }).catch((error: unknown) => {
    run.warn(`the proof could not be noted in the store: ${messageOf(error)}`)
  })
}

function describeUnreadable(error: BackupdError, count: number): BackupdError {
  const more = count > 1 ? `; ${count - 1} other objects cannot be read either` : ''
  return new BackupdError(error.code, `${error.message}${more}`, { facts: error.facts, cause: error })
}

function describeHarmless(object: string): string {
  return `the ${object} is damaged, but no file of this backup is lost`
}
