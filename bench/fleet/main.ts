/**
 * One controller with a simulated fleet: `node bench/fleet/main.ts [--servers N] [--before PATH/dist/main.js]`; build
 * first. The controller is the built program in a process of its own. A second process plays all daemons over HTTP, each
 * at its own loopback address; their jobs come from a generated inventory file. rows/ has one file for each group of
 * rows of the table.
 */
import { messageOf } from '../../src/lib/errors.ts'
import { check } from './check/check.ts'
import { readOptions, USAGE } from './options.ts'
import type { Row } from './row.ts'
import { ROWS } from './rows/index.ts'
import { type Column, printNumber, printTable } from './table.ts'
import { World } from './world.ts'

const options = readOptions(process.argv.slice(2))
if (options.check) await checkSimulator()
else await measure()

/** Compares the simulated daemon with a real one. */
async function checkSimulator(): Promise<void> {
  const differences = await check(options.subjects.at(-1)?.main ?? '')
  for (const text of differences) console.log(text)
  console.log(`The simulated daemon differs from a real one in ${differences.length} points`)
  process.exitCode = differences.length === 0 ? 0 : 1
}

async function measure(): Promise<void> {
  const rows = chooseRows()
  const columns: Column[] = []
  for (const { name, main } of options.subjects) {
    console.error(`${name}: ${main}, ${options.servers} daemons with ${options.jobs} jobs each`)
    columns.push({ name, numbers: await measureAll(main, rows) })
  }
  printTable(rows, columns)
}

function chooseRows(): Row[] {
  const unknown = options.rows.filter((name) => !ROWS.some((row) => row.name === name))
  if (unknown.length > 0) throw new Error(`No row is named ${unknown.join(', ')}\n${USAGE}`)
  return ROWS.filter(({ name }) => options.rows.length === 0 || options.rows.includes(name))
}

/** Measures the rows in turn. A row that fails leaves a gap, and the others go on. */
async function measureAll(main: string, rows: readonly Row[]): Promise<Column['numbers']> {
  await using world = await World.open(options, main)
  const numbers = new Map<string, number>()
  for (const row of rows) {
    const number = await row.measure(world).catch((error) => {
      console.error(`  ${row.name}: ${messageOf(error)}`)
      return Number.NaN
    })
    numbers.set(row.name, number)
    console.error(`  ${row.title.trim()}: ${printNumber(row, number)}`)
  }
  return numbers
}
