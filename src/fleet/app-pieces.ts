import { createHash } from 'node:crypto'
import type { Interruptible } from '../lib/in-slices.ts'
import type { InventoryApp, InventoryInstance, InventoryProc, InventoryVolume } from '../wire/inventory.ts'

/** A part of an app that is small in any inventory; what is inside of it follows. */
type AppRow =
  | { app: Omit<InventoryApp, 'procs'> }
  | { proc: Omit<InventoryProc, 'instances'> }
  | { instance: Omit<InventoryInstance, 'volumes'> }
  | { volume: InventoryVolume }

/** JSON of so many rows is printed or parsed in a few ms. */
const ROWS_PER_PIECE = 500

/** Prints an app as JSON texts, none of which is long, however large the app is. */
export function* printPieces(app: InventoryApp): Generator<string> {
  let rows: AppRow[] = []
  for (const row of listRows(app)) {
    rows.push(row)
    if (rows.length < ROWS_PER_PIECE) continue
    yield JSON.stringify(rows)
    rows = []
  }
  if (rows.length > 0) yield JSON.stringify(rows)
}

function* listRows({ procs, ...app }: InventoryApp): Generator<AppRow> {
  yield { app }
  for (const { instances, ...proc } of procs) {
    yield { proc }
    for (const { volumes, ...instance } of instances) {
      yield { instance }
      for (const volume of volumes) yield { volume }
    }
  }
}

/** Parses what printPieces() printed. */
export function* parsePieces(pieces: readonly string[]): Interruptible<InventoryApp> {
  let app: InventoryApp | undefined
  for (const piece of pieces) {
    for (const row of JSON.parse(piece) as AppRow[]) app = addRow(app, row)
    yield
  }
  if (!app) throw new Error('an app of the inventory is empty')
  return app
}

function addRow(app: InventoryApp | undefined, row: AppRow): InventoryApp {
  if ('app' in row) return { ...row.app, procs: [] }
  if (!app) throw new Error('an app of the inventory has no beginning')
  const proc = app.procs.at(-1)
  if ('proc' in row) app.procs.push({ ...row.proc, instances: [] })
  else if ('instance' in row) proc?.instances.push({ ...row.instance, volumes: [] })
  else proc?.instances.at(-1)?.volumes.push(row.volume)
  return app
}

/** The same for equal pieces. */
export function* hashPieces(pieces: Iterable<string>): Interruptible<string> {
  const hash = createHash('sha256')
  for (const piece of pieces) {
    hash.update(piece)
    yield
  }
  return hash.digest('hex')
}
