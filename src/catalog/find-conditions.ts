import type { UnusualRun, VolumeCondition } from '../domain/health-ports.ts'
import type { ConditionKey, ModeKey } from '../domain/ports.ts'
import { findLatestMs } from '../lib/clock.ts'
import { findUnusualHold } from '../wire/hold.ts'
import { makeTuples } from './bulk-rows.ts'
import type { CatalogDb } from './database.ts'
import { Prisma } from './generated/client.ts'
import { splitIntoLists } from './numbers.ts'

const NEWEST = (good: 'TRUE' | 'FALSE') => `coalesce((SELECT max(b."sequenceKey") FROM "Backup" b
    WHERE b."server" = asked."server" AND b."source" = asked."source" AND b."mode" = asked."mode"
      AND b."good" = ${good}), '')`
const READ = Prisma.raw(` SELECT asked."server", asked."source", asked."mode",
    (SELECT nullif(max(max(coalesce(p."verified", ''), coalesce(p."series" ->> '$.drill.at', ''))), '') FROM "Backup" p WHERE p."server" = asked."server"
      AND p."source" = asked."source" AND p."mode" = asked."mode" AND p."good" = TRUE) AS "proven",
    n."created", n."clockDoubt", n."state", n."suspect", n."corrupt", n."app",
    coalesce(g."series" ->> '$.lastGood.created', g."created") AS "goodCreated", g."clockDoubt" AS "goodDoubt"
  FROM asked
  LEFT JOIN "Backup" n ON n."sequenceKey" = max(${NEWEST('TRUE')}, ${NEWEST('FALSE')})
  LEFT JOIN "LastGood" l ON l."server" = asked."server" AND l."source" = asked."source" AND l."mode" = asked."mode"
  LEFT JOIN "Backup" g ON g."sequenceKey" = l."sequenceKey"`)

/** In place of a reason, which can name files. */
const OF_OTHER_APP = 'it is of another app, which had this place before'

interface ConditionRow extends ModeKey {
  created: string | null
  clockDoubt: string | null
  state: 'success' | 'partial' | null
  suspect: string | null
  corrupt: string | null
  app: string | null
  goodCreated: string | null
  goodDoubt: string | null
  /** The last verification of a good backup, or drill of a snapshot. */
  proven: string | null
}

/** What is known of the backups of each volume in one mode, in the order of `keys`. */
export async function findConditions(
  db: CatalogDb,
  keys: readonly ConditionKey[],
): Promise<VolumeCondition[]> {
  const found = new Map<string, ConditionRow>()
  for (const some of splitIntoLists(keys)) {
    const asked = some.map(({ server, source, mode }) => [server, source, mode])
    const rows = await db.$queryRaw<ConditionRow[]>`
      WITH asked("server", "source", "mode") AS ${makeTuples(asked)}${READ}`
    for (const row of rows) found.set(nameKey(row), row)
  }
  const held = Map.groupBy(await findHeld(db, keys), nameKey)
  return keys.map((key) => {
    const row = found.get(nameKey(key))
    return row ? toCondition(row, key, held.get(nameKey(key)) ?? []) : NOTHING
  })
}

const NOTHING: VolumeCondition = { lastGoodAt: null, provenAt: null, newest: null, unusual: null }

interface HeldRow extends ModeKey {
  app: string
  holds: string
}

/** The backups that are kept whatever their age. Reads Backup_held_idx, which has only these. */
async function findHeld(db: CatalogDb, keys: readonly ModeKey[]): Promise<HeldRow[]> {
  const rows: HeldRow[] = []
  for (const some of splitIntoLists(keys)) {
    const asked = some.map(({ server, source, mode }) => [server, source, mode])
    const found = await db.$queryRaw<HeldRow[]>`
      SELECT "server", "source", "mode", "app", "holds" FROM "Backup"
      WHERE "holds" <> '[]' AND ("server", "source", "mode") IN ${makeTuples(asked)}`
    rows.push(...found)
  }
  return rows
}

/** What the holds of an app's backups say of the run after them. */
function readUnusual(held: readonly HeldRow[], app: string): UnusualRun | null {
  const own = held.filter((row) => row.app === app)
  const hold = findUnusualHold(own.flatMap(({ holds }) => parseHolds(holds)))
  return hold ? { at: Date.parse(hold.at), because: hold.because } : null
}

function parseHolds(json: string): string[] {
  try {
    const holds: unknown = JSON.parse(json)
    return Array.isArray(holds) ? holds.map(String) : []
  } catch {
    return []
  }
}

/** A backup that was made while the clock was in doubt has two times; its age counts from the later one. */
function toCondition(row: ConditionRow, { app }: ConditionKey, held: readonly HeldRow[]): VolumeCondition {
  const { state } = row
  const isForeign = row.app !== app
  const suspect = row.suspect && isForeign ? OF_OTHER_APP : row.suspect
  const corrupt = row.corrupt && isForeign ? OF_OTHER_APP : row.corrupt
  return {
    unusual: readUnusual(held, app),
    lastGoodAt: row.goodCreated === null ? null : findLatestMs(row.goodCreated, row.goodDoubt),
    provenAt: row.proven === null ? null : Date.parse(row.proven),
    newest:
      row.created === null || state === null
        ? null
        : { at: findLatestMs(row.created, row.clockDoubt), state, suspect, corrupt },
  }
}

function nameKey({ server, source, mode }: ModeKey): string {
  return JSON.stringify([server, source, mode])
}
