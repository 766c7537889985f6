import { readFileSync } from 'node:fs'
import { buildSchema, type DocumentNode, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql'
import { expect, test } from 'vitest'
import { MAX_TOKENS } from '../../src/controller/apollo.ts'
import { findDocumentProblem } from '../../src/controller/document-problem.ts'
import { DOCUMENT_LIMITS } from '../../src/controller/document-walk.ts'
import { sizesOf } from '../support/list-sizes.ts'
import { askGraphQL, socketClient, startTestController, testFolder } from '../support/real-controller.ts'

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))
const FLEET = { sizes: sizesOf({ apps: [] }), variables: {} }
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at))

/** A document of `count` parts, each a shape that takes some rule more than its length. */
const SHAPES: Record<string, (count: number) => string> = {
  'fragments spread twice': (count) =>
    `{ ...f0 } ${times(count, (at) => `fragment f${at} on Query { __typename ...f${at + 1} ... on Query { ...f${at + 1} } }`).join(' ')} fragment f${count} on Query { __typename }`,
  'fragments without fields spread twice': (count) =>
    `{ ...f0 } ${times(count, (at) => `fragment f${at} on Query { ...f${at + 1} ... on Query { ...f${at + 1} } }`).join(' ')} fragment f${count} on Query { __typename }`,
  'a bomb that no operation uses': (count) =>
    `{ __typename } ${times(count, (at) => `fragment f${at} on Query { ...f${at + 1} ... on Query { ...f${at + 1} } }`).join(' ')} fragment f${count} on Query { __typename }`,
  'the same field again and again': (count) => `{ ${'servers { ip } '.repeat(count)} }`,
  'the same field in an unused fragment': (count) =>
    `{ __typename } fragment f on Query { ${'servers { ip } '.repeat(count)} }`,
  'many fragments side by side': (count) =>
    `{ ${times(count, (at) => `...f${at}`).join(' ')} } ${times(count, (at) => `fragment f${at} on Query { servers { ip } }`).join(' ')}`,
  'each fragment in all before it': (count) =>
    `{ ...f0 } ${times(count, (at) => `fragment f${at} on Query { ${times(count - at - 1, (more) => `...f${at + 1 + more}`).join(' ')} __typename }`).join(' ')}`,
  'circles of fragments': (count) =>
    `{ ...f0 } ${times(count, (at) => `fragment f${at} on Query { ${times(count, (other) => `...f${other}`).join(' ')} }`).join(' ')}`,
  'operations that share a fragment': (count) =>
    `${times(count, (at) => `query q${at} { ...f }`).join(' ')} fragment f on Query { ${'__typename '.repeat(count)} }`,
  'nested pairs': (count) =>
    `{ jobs { ...f0 } } ${times(count, (at) => `fragment f${at} on Job { server { ip } a${at}: server { jobs { ...f${at + 1} } } }`).join(' ')} fragment f${count} on Job { id }`,
}

/** Counts every node that a rule is shown or looks at. */
function workOf(document: DocumentNode): number {
  let reads = 0
  const counting = <T extends object>(value: T): T =>
    new Proxy(value, {
      get(target, key) {
        const found = Reflect.get(target, key)
        if (key !== 'selections' && key !== 'selectionSet') return found
        reads += 1
        return found && typeof found === 'object' ? counting(found) : found
      },
    })
  findDocumentProblem(
    schema,
    counting({ ...document, definitions: document.definitions.map(counting) }),
    FLEET,
  )
  return reads
}

function largest(make: (count: number) => string): number {
  let count = 1
  while (fits(make(count * 2))) count *= 2
  return count
}

function fits(query: string): boolean {
  try {
    parse(query, { maxTokens: MAX_TOKENS })
    return true
  } catch {
    return false
  }
}

test.each(Object.entries(SHAPES))('%s: the work is limited, however large the document is', (_, make) => {
  const document = parse(make(largest(make)), { maxTokens: MAX_TOKENS })
  expect(findDocumentProblem(schema, document, FLEET)).toMatchObject({ extensions: { code: 'TOO_COSTLY' } })
  expect(workOf(document)).toBeLessThan(4 * DOCUMENT_LIMITS.selections)
})

/** What passes the limits is small enough for the rules of GraphQL, the quadratic one too. */
test.each(Object.entries(SHAPES))('%s: within the limits, GraphQL compares few fields', (_, make) => {
  let count = 1
  while (!findDocumentProblem(schema, parse(make(count + 1)), FLEET) && count < 200) count += 1
  const document = parse(make(count))
  expect(comparisonsOf(schema, document)).toBeLessThan(200_000)
})

/** How often the rule that merges fields looks at the arguments of one: it does so for each pair. */
function comparisonsOf(rules: GraphQLSchema, document: DocumentNode): number {
  let looks = 0
  JSON.stringify(document, (_key, value) => {
    if (value?.kind === 'Field') {
      const args = value.arguments
      Object.defineProperty(value, 'arguments', {
        get: () => {
          looks += 1
          return args
        },
        enumerable: true,
      })
    }
    return value
  })
  validate(rules, document, specifiedRules)
  return looks
}

test('a bomb of 1.3 kB is refused at once over HTTP and over a WebSocket', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  const bomb = SHAPES['fragments spread twice']?.(23) ?? ''
  const refusal = { message: expect.stringMatching(/more than/), extensions: { code: 'TOO_COSTLY' } }
  expect(await askGraphQL(url, bomb)).toMatchObject({ status: 400, errors: [refusal] })
  const overGet = await fetch(`${url}/graphql?query=${encodeURIComponent(bomb)}`, {
    headers: { 'apollo-require-preflight': '1' },
  })
  expect({ status: overGet.status, ...((await overGet.json()) as object) }).toMatchObject({
    status: 400,
    errors: [refusal],
  })
  await expect(socketClient(url).iterate({ query: bomb }).next()).rejects.toMatchObject([refusal])
})

const AT_THE_BOUND: [string, string, string, RegExp][] = [
  ['selections', `{ ${fields(40, 2000)} }`, `{ ${fields(40, 2001)} }`, /more than 2000 fields/],
  [
    'repeats',
    `{ ${'servers { ip } '.repeat(50)} }`,
    `{ ${'servers { ip } '.repeat(51)} }`,
    /more than 50 times "servers"/,
  ],
  ['fragments', fragments(100), fragments(101), /101 fragments, 100 are allowed/],
  ['aliases', aliases(30), aliases(31), /Aliases limit of 30/],
  ['directives', directives(50), directives(51), /Directives limit of 50/],
  ['cost', records(24), records(25), /Cost limit of 50000/],
  [
    'cost beside a page of less than nothing',
    records(23).replace('}', '} z: records(first: -9) { nodes { rid } }'),
    records(25).replace('{', '{ z: records(first: -9000) { nodes { rid app state } }'),
    /Cost limit of 50000/,
  ],
]

/** `sum` selections in all: inline fragments hold them, of different names so that none is repeated too often. */
function fields(names: number, sum: number): string {
  const all = times(sum - 1, (at) => `unknown${at % names}`)
  return `... { ${all.join(' ')} }`
}
function fragments(count: number): string {
  return `{ ...f0 } ${times(count, (at) => `fragment f${at} on Query { __typename }`).join(' ')}`
}
function aliases(count: number): string {
  return `{ ${times(count, (at) => `a${at}: servers { ip }`).join(' ')} }`
}
function directives(count: number): string {
  return `{ __typename ${'@include(if: true) '.repeat(count)} }`
}
/** 500 nodes with four fields each, `count` times. */
function records(count: number): string {
  return `{ ${times(count, (at) => `a${at}: records(first: 500) { nodes { rid app state } }`).join(' ')} }`
}

test.each(AT_THE_BOUND)(
  '%s: a document at the limit passes, one above does not',
  (_, within, beyond, message) => {
    expect(findDocumentProblem(schema, parse(within), FLEET)).toBeUndefined()
    expect(findDocumentProblem(schema, parse(beyond), FLEET)?.message).toMatch(message)
  },
)

const ALIASES = times(31, (at) => `a${at}: servers { ip }`).join(' ')
const CIRCLES: Record<string, string> = {
  'a fragment in itself': '{ ...f } fragment f on Query { __typename ...f }',
  'a fragment in itself, and nothing else': '{ ...f } fragment f on Query { ...f }',
  'two fragments in each other': '{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }',
  'a fragment in itself, twice': '{ ...f } fragment f on Query { ...f ... on Query { ...f } }',
  'a circle with fields in it':
    '{ servers { ...f } } fragment f on Server { jobs { ...g } } fragment g on Job { id server { ...f } }',
  'a circle that no operation uses':
    '{ __typename } fragment f on Query { ...g } fragment g on Query { ...f }',
}

test.each(Object.entries(CIRCLES))('%s costs only its own size, and GraphQL refuses it', (_, query) => {
  const document = parse(query)
  expect(findDocumentProblem(schema, document, FLEET)).toBeUndefined()
  expect(workOf(document)).toBeLessThan(100)
  expect(validate(schema, document).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^Cannot spread fragment "[fg]" within itself/),
  )
})

test.each([
  ['before the circle', `{ ...f } fragment f on Query { ${ALIASES} ...g } fragment g on Query { ...f }`],
  ['behind the circle', `{ ...f } fragment f on Query { ...g ${ALIASES} } fragment g on Query { ...f }`],
  ['within the circle', `{ ...f } fragment f on Query { ...g } fragment g on Query { ...f ${ALIASES} }`],
  [
    'in a circle that no operation uses',
    `{ __typename } fragment f on Query { ...g } fragment g on Query { ...f ${ALIASES} }`,
  ],
])('too many aliases %s are counted', (_, query) => {
  expect(findDocumentProblem(schema, parse(query), FLEET)?.message).toMatch(/Aliases limit of 30/)
})

test('cycles of fragments are refused over HTTP and over a WebSocket', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  for (const query of Object.values(CIRCLES)) {
    const refusal = expect.objectContaining({ message: expect.stringMatching(/^Cannot spread fragment/) })
    expect(await askGraphQL(url, query)).toMatchObject({
      status: 400,
      errors: expect.arrayContaining([refusal]),
    })
    await expect(socketClient(url).iterate({ query }).next()).rejects.toEqual(
      expect.arrayContaining([refusal]),
    )
  }
})
