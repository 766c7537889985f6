import { type GraphQLSchema, getNamedType, isLeafType, isObjectType } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import { startApollo } from '../../src/controller/apollo.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { silentLog } from '../support/silent-log.ts'

/** Made for each answer, and only if it is selected. */
const COMPUTED = ['File.downloadUrl']
const ROOTS = ['Query', 'Mutation', 'Subscription']

/** The fields with a single value for which a function is called; others are read by GraphQL itself. */
function listCalledFields(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__') && !ROOTS.includes(name))
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => field.resolve !== undefined && isLeafType(getNamedType(field.type)))
        .map((field) => `${type.name}.${field.name}`),
    )
    .filter((field) => !COMPUTED.includes(field))
}

test('a field that is only read costs no call: no library wraps it, also not for an answer over HTTP', async () => {
  const schema = createSchema()
  expect(listCalledFields(schema)).toEqual([])
  const apollo = await startApollo({ schema, log: silentLog })
  onTestFinished(() => apollo.stop())
  const { body, http } = await apollo.executeOperation({ query: '{ __typename }' })
  expect(body).toMatchObject({ kind: 'single', singleResult: { data: { __typename: 'Query' } } })
  expect(http.headers.get('cache-control')).toBe('no-store')
  expect(listCalledFields(schema)).toEqual([])
})
