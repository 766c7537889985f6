import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { schemaText } from '../../src/resolvers/emit-schema.ts'

test('schema.graphql is what the resolvers define; `npm run schema` writes it', async () => {
  const checkedIn = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')
  expect(schemaText()).toBe(checkedIn)
})
