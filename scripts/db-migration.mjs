// Development tool: writes the SQL that leads from the migrations so far to prisma/schema.prisma.
//   node scripts/db-migration.mjs NAME      a new folder under prisma/migrations/sqlite, where something changed
//   node scripts/db-migration.mjs --check   exit code 1 where a migration is missing
// The schema engine runs as WebAssembly inside this process; nothing is downloaded. Its interface is not a
// public one: the package is pinned to one exact version.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg'
import Database from 'better-sqlite3'

const schemaFile = fileURLToPath(new URL('../prisma/schema.prisma', import.meta.url))
const folder = fileURLToPath(new URL('../prisma/migrations/sqlite', import.meta.url))

function loadSchemaEngine() {
  const wasm = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm')
    .replace(/\.js$/, '_bg.wasm')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), {
    './schema_engine_bg.js': glue,
  })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start?.()
  return glue.SchemaEngine
}

/** A database with every migration so far, without the indexes of some rows only, which the engine cannot read. */
function buildScratch(file) {
  const database = new Database(file)
  for (const name of readdirSync(folder).sort())
    database.exec(readFileSync(join(folder, name, 'migration.sql'), 'utf8'))
  const partial = database.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'",
  )
  for (const { name } of partial.all()) database.exec(`DROP INDEX "${name}"`)
  database.close()
}

/** The SQL from the scratch database to the schema; undefined where they are the same. */
async function missingSql(scratch) {
  const files = [{ path: schemaFile, content: readFileSync(schemaFile, 'utf8') }]
  const factory = bindMigrationAwareSqlAdapterFactory(new PrismaBetterSqlite3({ url: `file:${scratch}` }))
  const engine = await loadSchemaEngine().new(
    { datamodels: [[schemaFile, files[0].content]] },
    () => {},
    factory,
  )
  const { exitCode, stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: folder },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  })
  return exitCode === 2 ? stdout : undefined
}

const [name] = process.argv.slice(2)
if (name !== '--check' && !/^[a-z][a-z0-9_]*$/.test(name ?? '')) {
  console.error(
    'usage: node scripts/db-migration.mjs NAME | --check    (NAME in lower case, such as add_holds)',
  )
  process.exit(2)
}
mkdirSync(folder, { recursive: true })
const scratchFolder = mkdtempSync(join(tmpdir(), 'backupd-migration-'))
try {
  const scratch = join(scratchFolder, 'scratch.db')
  buildScratch(scratch)
  const sql = await missingSql(scratch)
  if (sql === undefined) {
    console.log('The migrations lead to the schema; nothing to write.')
  } else if (name === '--check') {
    console.error(
      `The schema has changes without a migration. Run: node scripts/db-migration.mjs NAME\n${sql}`,
    )
    process.exitCode = 1
  } else {
    const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
    const target = join(folder, `${stamp}_${name}`)
    mkdirSync(target)
    writeFileSync(join(target, 'migration.sql'), sql)
    console.log(`wrote ${target}/migration.sql`)
  }
} finally {
  rmSync(scratchFolder, { recursive: true, force: true })
}
