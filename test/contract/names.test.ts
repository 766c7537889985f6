import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Types of GraphQL have the names of the API, which are often those of the wire. */
const NAMED_BY_THE_API = /^src\/resolvers\/(types\/|enums\.ts)/

test('an exported name stands in one file, so that a search finds one thing', () => {
  const files = globSync('src/**/*.{ts,tsx}', { cwd: root }).filter(
    (file) => !file.includes('/generated/') && !NAMED_BY_THE_API.test(file),
  )
  const exported = files.flatMap((file) => exportsOf(file).map((name) => ({ name, file })))
  const shared = [...Map.groupBy(exported, ({ name }) => name)].filter(([, found]) => found.length > 1)
  expect(shared.map(([name, found]) => `${name}: ${found.map(({ file }) => file).join(', ')}`)).toEqual([])
})

/** Each name once: a type and a value may share one. */
function exportsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(`${root}/${file}`, 'utf8'), ts.ScriptTarget.Latest)
  const names = source.statements
    .filter((one) => ts.canHaveModifiers(one) && ts.getModifiers(one)?.some(isExport))
    .flatMap(namesOf)
  return [...new Set(names)]
}

function isExport({ kind }: ts.Modifier): boolean {
  return kind === ts.SyntaxKind.ExportKeyword
}

function namesOf(statement: ts.Statement): string[] {
  const declared = ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name)
    : [(statement as ts.DeclarationStatement).name]
  return declared.flatMap((name) => (name && ts.isIdentifier(name) ? [name.text] : []))
}
