import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { tryReadSmall } from '../../../objects/small-objects.ts'
import { type Verification, verificationSchema } from '../../../wire/verification.ts'
import { PROOF_NOTE } from '../../layout.ts'
import { assertOwner } from '../../owner.ts'
import { exclusively, type StoreWorld } from '../../world.ts'

/** Packs are noted by the first bytes of their ids, so that a large repository has a small note. */
const PREFIX_BYTES = 8
const SNAPSHOT_ID = /^[0-9a-f]{64}$/

const seriesProofSchema = verificationSchema.extend({
  /** The snapshots that were found intact. */
  snapshots: z.array(z.string()),
  /** Snapshots of an earlier proof whose files are damaged now: nothing else tells that they are of this series. */
  lost: z.array(z.string()).optional(),
})

const passSchema = z.object({
  series: z.string(),
  /** When it began, ISO 8601. */
  since: z.string(),
  /** The packs that it found intact: the first bytes of their ids, base64. */
  packs: z.string(),
})
/** A verification that has not ended: the next one of the same series continues it. */
export type VerifyPass = z.infer<typeof passSchema>

/** An id that is unknown, or a drill of a form that is, is left out: one bad line must not hide the other proofs. */
const drillsSchema = z
  .record(z.string(), z.unknown())
  .catch({})
  .transform((drills) => Object.entries(drills).flatMap(([id, drill]) => parseDrill(id, drill) ?? []))
  .transform((drills): Record<string, Verification> => Object.fromEntries(drills))

/** `<ip>/.verified`: the proofs for the increments of the namespace, by series. */
const proofSchema = z.object({
  series: z.record(z.string(), seriesProofSchema),
  pass: passSchema.optional(),
  /**
   * The last drill of a snapshot, by its id. It says nothing of the other snapshots of its series, so it is not their proof.
   * Earlier versions drop it when they note a proof.
   */
  drills: drillsSchema.optional(),
})
type ProofNote = z.infer<typeof proofSchema>

const NOTHING: ProofNote = { series: {} }

/** What is known of a series. */
export interface SeriesProofs {
  /** By the name of the series. */
  ofSeries: ReadonlyMap<string, Verification>
  /** By the id of the snapshot. */
  ofSnapshot: ReadonlyMap<string, Verification>
  /** The last drill of a snapshot, by its id. */
  drillOf: ReadonlyMap<string, Verification>
}

/** Empty if the note is missing or unreadable: then nothing is proven. */
export async function readProofs(driver: Driver, namespace: string): Promise<SeriesProofs> {
  const { series, drills = {} } = await readNote(driver, namespace)
  const ofSeries = new Map<string, Verification>()
  const ofSnapshot = new Map<string, Verification>()
  for (const [name, { snapshots, lost: _damaged, ...proof }] of Object.entries(series)) {
    ofSeries.set(name, proof)
    for (const id of snapshots) ofSnapshot.set(id, proof)
  }
  return { ofSeries, ofSnapshot, drillOf: new Map(Object.entries(drills)) }
}

/** The snapshots that some proof of the series had, also those that are damaged or do not exist any more. */
export async function readProvenSnapshots(
  driver: Driver,
  namespace: string,
  name: string,
): Promise<string[]> {
  const { snapshots = [], lost = [] } = (await readNote(driver, namespace)).series[name] ?? {}
  return [...snapshots, ...lost]
}

export async function readPass(driver: Driver, namespace: string): Promise<VerifyPass | undefined> {
  return (await readNote(driver, namespace)).pass
}

/** In the own namespace. */
export async function writePass(world: StoreWorld, pass: VerifyPass): Promise<void> {
  await updateNote(world, (note) => ({ ...note, pass }))
}

export interface NewProof {
  name: string
  proof: Verification
  /** The intact snapshots of the series. */
  snapshots: readonly string[]
  /** Those whose files are damaged. */
  lost: readonly string[]
  /** All snapshots of the repository; the others are dropped from the note. */
  existing: readonly string[]
}

/** Replaces the proof of a series in the own namespace, and ends its pass. */
export async function writeProof(
  world: StoreWorld,
  { name, proof, snapshots, lost, existing }: NewProof,
): Promise<void> {
  const exists = new Set(existing)
  await updateNote(world, ({ series, pass, drills }) => {
    const all = Object.entries({ ...series, [name]: { ...proof, snapshots, lost } })
    const kept = all.map(([of, each]) => [of, dropDeleted(each, exists)] as const)
    const used = kept.filter(([, each]) => each.snapshots.length + each.lost.length > 0)
    return {
      series: Object.fromEntries(used),
      ...(pass && pass.series !== name && { pass }),
      // Also of snapshots that were made and drilled since `existing` was read: the next drill drops the others.
      ...(drills && { drills }),
    }
  })
}

/**
 * Notes the drill of a snapshot in the own namespace.
 * @param existing all snapshots of the repository; the drills of others are dropped
 */
export async function writeDrill(
  world: StoreWorld,
  { snapshot, proof, existing }: { snapshot: string; proof: Verification; existing: readonly string[] },
): Promise<void> {
  const exists = new Set(existing)
  await updateNote(
    world,
    ({ drills, ...note }) => ({ ...note, drills: dropDrills({ ...drills, [snapshot]: proof }, exists) }),
    refuseBroken,
  )
}

function dropDrills(
  drills: Readonly<Record<string, Verification>>,
  exists: ReadonlySet<string>,
): Record<string, Verification> {
  return Object.fromEntries(Object.entries(drills).filter(([id]) => exists.has(id)))
}

function parseDrill(id: string, drill: unknown): [string, Verification][] | undefined {
  const { success, data } = verificationSchema.safeParse(drill)
  return success && SNAPSHOT_ID.test(id) ? [[id, data]] : undefined
}

function dropDeleted<Proof extends { snapshots: readonly string[]; lost?: readonly string[] | undefined }>(
  proof: Proof,
  exists: ReadonlySet<string>,
) {
  const { snapshots, lost = [] } = proof
  const isKept = (id: string) => exists.has(id)
  return { ...proof, snapshots: snapshots.filter(isKept), lost: lost.filter(isKept) }
}

/** @param onBroken hears that the note cannot be read; unless it throws, a new note takes its place */
async function updateNote(
  world: StoreWorld,
  update: (note: ProofNote) => ProofNote,
  onBroken?: (why: string) => void,
): Promise<void> {
  const { driver, identity } = world
  await exclusively(world, async () => {
    await assertOwner(world)
    const note = update(await readNote(driver, identity.ip, onBroken))
    await driver.replace(noteKey(identity.ip), Buffer.from(`${JSON.stringify(note)}\n`))
  })
}

/** A drill must not cost the proofs of whole series; the next verification writes a new note. */
function refuseBroken(why: string): void {
  throw new BackupdError(
    'CONFLICT',
    `the proofs in "${PROOF_NOTE}" cannot be read (${why}): verify the backup`,
  )
}

async function readNote(
  driver: Driver,
  namespace: string,
  onBroken: (why: string) => void = () => {},
): Promise<ProofNote> {
  const { content, problem } = await tryReadSmall(driver, noteKey(namespace))
  if (!content) {
    if (problem !== null) onBroken(problem)
    return NOTHING
  }
  try {
    return proofSchema.parse(JSON.parse(content.toString()))
  } catch {
    onBroken('it is damaged')
    return NOTHING
  }
}

function noteKey(namespace: string): string {
  return `${namespace}/${PROOF_NOTE}`
}

/** A set of packs that becomes short text. */
export class PackSet {
  readonly #packs: Set<string>

  constructor(text = '') {
    const bytes = Buffer.from(text, 'base64')
    const count = Math.floor(bytes.length / PREFIX_BYTES)
    const prefixes = Array.from({ length: count }, (_, at) =>
      bytes.toString('hex', at * PREFIX_BYTES, (at + 1) * PREFIX_BYTES),
    )
    this.#packs = new Set(prefixes)
  }

  has(pack: string): boolean {
    return this.#packs.has(pack.slice(0, 2 * PREFIX_BYTES))
  }

  add(pack: string): void {
    this.#packs.add(pack.slice(0, 2 * PREFIX_BYTES))
  }

  toText(): string {
    return Buffer.from([...this.#packs].join(''), 'hex').toString('base64')
  }
}
