import { readFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { isDocument, SocketDocuments } from '../../src/controller/socket-documents.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { sizesOf } from '../support/list-sizes.ts'

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))
const SMALL = sizesOf(bigInventory({ apps: 1, instances: 1, volumes: 1, servers: 1 }))
const BIG = sizesOf(bigInventory({ apps: 20, instances: 50, volumes: 100, servers: 1000 }))

function open() {
  const documents = new SocketDocuments(schema)
  const prepare = (query: string, sizes = SMALL) => documents.prepare(query, { sizes, variables: {} })
  return { prepare }
}

function nth(n: number): string {
  return `subscription Number${n} { recordUpdated { seq } }`
}

test('a document that is sent again is not parsed again', () => {
  const { prepare } = open()
  const first = prepare(nth(1))
  expect(isDocument(first)).toBe(true)
  expect(prepare(nth(1))).toBe(first)
  expect(prepare(nth(2))).not.toBe(first)
})

test('an invalid document is refused each time, with the same error', () => {
  const { prepare } = open()
  for (const query of ['subscription {', 'subscription { nothing }']) {
    const [one, other] = [prepare(query), prepare(query)]
    expect(one).toEqual([expect.any(Error)])
    expect(other).toEqual(one)
  }
})

test('what a known document costs depends on the present size of the fleet', () => {
  const { prepare } = open()
  const query =
    'subscription One { recordUpdated { record { server { jobs { id spec action } } } } } query All { jobs { id } }'
  expect(isDocument(prepare(query))).toBe(true)
  expect(prepare(query, BIG)).toEqual([expect.objectContaining({ extensions: { code: 'TOO_COSTLY' } })])
  expect(isDocument(prepare(query))).toBe(true)
})

test('the documents used last are remembered, up to a number and a size', () => {
  const { prepare } = open()
  const [first, second] = [prepare(nth(1)), prepare(nth(2))]
  for (let n = 3; n <= 200; n++) prepare(nth(n))
  expect(prepare(nth(1))).toBe(first)
  prepare(nth(201))
  expect(prepare(nth(1))).toBe(first)
  expect(prepare(nth(2))).not.toBe(second)
  for (let n = 0; n < 9; n++) prepare(`${nth(n)} # ${'x'.repeat(60_000)}`)
  expect(prepare(nth(1))).not.toBe(first)
})

test('a document that is used often counts once among the remembered ones', () => {
  const { prepare } = open()
  const first = prepare(nth(1))
  for (let n = 0; n < 20; n++) prepare(`${nth(2)} # ${'x'.repeat(60_000)}`)
  expect(prepare(nth(1))).toBe(first)
})

test('results do not depend on the arguments of a subscription, but on all other variables', () => {
  const { prepare } = open()
  const query = `subscription ($rid: ID, $size: Boolean!, $app: ID) {
    recordUpdated(rid: $rid, app: $app) { record { ...Result } } }
    fragment Result on Record { result { size @include(if: $size) } }`
  const prepared = prepare(query)
  if (!isDocument(prepared)) throw new Error(String(prepared))
  expect(prepared.resultVariables).toEqual(['size'])
  expect(prepared.resultText).not.toContain('recordUpdated(')
  const literal = prepare('subscription { recordUpdated(since: 5) { seq } }')
  const other = prepare('subscription{recordUpdated{seq}}')
  expect(isDocument(literal) && literal.resultText).toBe(isDocument(other) && other.resultText)
})
