import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Types of GraphQL have the names of the API, which are often those of the wire. */
const NAMED_BY_THE_API = /^src\/resolvers\/(types|enums)\//

/** A constant in capitals is a limit or a text of its own file, where its comment says what of. */
const CONSTANT = /^[A-Z][A-Z0-9_]*$/

const statements = globSync('src/**/*.{ts,tsx}', { cwd: root })
  .filter((file) => !file.includes('/generated/') && !NAMED_BY_THE_API.test(file))
  .flatMap((file) => readStatements(file).map((statement) => ({ statement, file })))

test('an exported name stands in one file, so that a search finds one thing', () => {
  const exported = statements.filter(({ statement }) => isExported(statement))
  expect(findInFiles(exported, 2)).toEqual([])
})

test('a name that is not exported stands in two files at most', () => {
  expect(findInFiles(statements, 3).filter((found) => !CONSTANT.test(found.split(':')[0] ?? ''))).toEqual([])
})

interface Declared {
  statement: ts.Statement
  file: string
}

/** Names that at least so many files declare. */
function findInFiles(declared: readonly Declared[], files: number): string[] {
  const named = declared.flatMap(({ statement, file }) => namesOf(statement).map((name) => ({ name, file })))
  // A type and a value of one file may share a name.
  return [...Map.groupBy(named, ({ name }) => name)]
    .map(([name, found]) => ({ name, where: [...new Set(found.map(({ file }) => file))] }))
    .filter(({ where }) => where.length >= files)
    .map(({ name, where }) => `${name}: ${where.join(', ')}`)
}

function readStatements(file: string): readonly ts.Statement[] {
  return ts.createSourceFile(file, readFileSync(`${root}/${file}`, 'utf8'), ts.ScriptTarget.Latest).statements
}

function isExported(one: ts.Statement): boolean {
  return (ts.canHaveModifiers(one) && ts.getModifiers(one)?.some(isExport)) ?? false
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
