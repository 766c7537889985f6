import { isoTime } from '../../../lib/clock.ts'
import { messageOf } from '../../../lib/errors.ts'
import { DAY_MS } from '../../../lib/time-units.ts'
import type { StoreWorld } from '../../world.ts'
import { PackSet, readPass, writePass } from './proof-note.ts'

/** An older pass starts again: what it read may have been damaged since. */
const MAX_AGE_MS = 30 * DAY_MS
/** How much is read before the pass is noted again. */
const NOTE_BYTES = 1 << 30

/** The packs that a verification has read. It is noted in the store, so that the next one continues after an end. */
export interface Pass {
  /** ISO 8601. */
  readonly since: string
  has(pack: string): boolean
  /** Adds an intact pack. */
  add(pack: string, bytes: number): Promise<void>
  /** Notes the pass for the next verification, unless it is over. Never throws. */
  save(): Promise<void>
  /** The proof is noted, or nothing may be. */
  end(): void
}

export interface PassOf {
  world: StoreWorld
  namespace: string
  series: string
  warn(message: string): void
}

/** Continues the pass of an earlier run, if there is one of the last thirty days. */
export async function beginPass({ world, namespace, series, warn }: PassOf): Promise<Pass> {
  const now = world.clock.now()
  const before = await readPass(world.driver, namespace)
  const ageMs = before?.series === series ? now - Date.parse(before.since) : Number.NaN
  const isContinued = ageMs >= 0 && ageMs < MAX_AGE_MS
  const packs = new PackSet(isContinued ? before?.packs : '')
  const since = isContinued && before ? before.since : isoTime(now)
  let unsaved = 0
  const save = async () => {
    if (unsaved === 0 || namespace !== world.identity.ip) return
    unsaved = 0
    await writePass(world, { series, since, packs: packs.toText() }).catch((error: unknown) => {
      warn(`How far the verification came could not be noted in the store: ${messageOf(error)}`)
    })
  }
  return {
    since,
    has: (pack) => packs.has(pack),
    async add(pack, bytes) {
      packs.add(pack)
      unsaved += bytes
      if (unsaved >= NOTE_BYTES) await save()
    },
    save,
    end() {
      unsaved = 0
    },
  }
}
