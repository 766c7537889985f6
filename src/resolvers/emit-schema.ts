import { writeFile } from 'node:fs/promises'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { createSchema } from './schema.ts'

/** The text of the schema, the content of schema.graphql. */
export function schemaText(): string {
  return `# Made of src/resolvers by "npm run schema". Do not edit.\n\n${printSchema(lexicographicSortSchema(createSchema()))}\n`
}

if (process.argv[1] === import.meta.filename)
  await writeFile(process.argv[2] ?? 'schema.graphql', schemaText())
