import { expect, test } from 'vitest'
import { hashPieces, parsePieces, printPieces } from '../../src/fleet/app-pieces.ts'
import { doAtOnce } from '../../src/lib/in-slices.ts'
import type { InventoryApp } from '../../src/wire/inventory.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { given } from '../support/given.ts'

const hello = given.app('hello').proc('web').on('10.0.0.1', '10.0.0.2').volumes('/a', '/b')
const APPS = [
  ...hello.proc('db').on('10.0.0.3').volume('/a', { path: '/srv', consistency: 'strict' }).inventory().apps,
  ...given.app('idle').inventory().apps,
  ...bigInventory({ apps: 1, instances: 3, volumes: 1000, servers: 3 }).apps,
  { name: 'odd', procs: [{ name: 'odd.web.web', shortName: 'web', instances: [] }] },
]

test.for(APPS.map((app): [string, InventoryApp] => [app.name, app]))(
  'the pieces of %s are the app',
  ([, app]) => {
    expect(doAtOnce(parsePieces([...printPieces(app)]))).toEqual(app)
  },
)

test('each piece of a giant app is short, and each is a step', () => {
  const [giant] = bigInventory({ apps: 1, instances: 20, volumes: 1000, servers: 20 }).apps
  if (!giant) throw new Error('no app')
  const pieces = [...printPieces(giant)]
  expect(pieces.length).toBe(41)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(128 * 1024)
  expect([...parsePieces(pieces)]).toHaveLength(pieces.length)
  expect([...hashPieces(pieces)]).toHaveLength(pieces.length)
})

test('the hash of an app is that of its content', () => {
  const hash = (app: InventoryApp | undefined) => app && doAtOnce(hashPieces(printPieces(app)))
  const [one, same, other] = [hello, hello, hello.volume('/c')].map((each) => each.inventory().apps[0])
  expect(hash(one)).toBe(hash(same))
  expect(hash(one)).not.toBe(hash(other))
})
