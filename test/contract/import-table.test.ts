import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { findCycles, type Import, importsOf, readImports } from '../support/imports.ts'

interface Row {
  mayImport: string
  /** What a new import would break. */
  why: string
}

/** Which folder of src may import which others. Imports of types count. */
const TABLE: Readonly<Record<string, Row>> = {
  lib: {
    mayImport: '',
    why: 'lib knows nothing of backups but the error codes, which its own errors need; so it can be read alone',
  },
  wire: {
    mayImport: 'lib',
    why: 'wire holds what both programs say to each other, and the behaviour of neither',
  },
  objects: { mayImport: 'lib wire', why: 'a driver moves bytes: it does not know what they mean' },
  volume: {
    mayImport: 'lib wire',
    why: 'a directory tree is read and replaced the same way whatever it is backed up to',
  },
  archive: {
    mayImport: 'lib wire objects volume',
    why: 'the tar format knows no namespace, manifest or retention',
  },
  restic: {
    mayImport: 'lib wire objects volume',
    why: "restic's format knows no namespace, manifest or retention",
  },
  store: { mayImport: 'lib wire objects volume archive restic', why: 'the store does not know who runs it' },
  hooks: {
    mayImport: 'lib wire',
    why: 'how programs are run before and after a backup does not depend on what a backup is',
  },
  engine: { mayImport: 'lib wire', why: 'the engine is a cron worker without HTTP and without a store' },
  'engine/plugins': {
    mayImport: 'lib wire hooks engine store volume',
    why: 'a plugin is handed what it needs: it uses the store, volumes, hooks and the plugin contract, and no other plugin',
  },
  http: { mayImport: 'lib wire', why: 'both HTTP servers share it' },
  metrics: { mayImport: 'lib wire', why: 'both programs print metrics; what they have, they say themselves' },
  daemon: {
    mayImport: 'lib wire http metrics engine engine/plugins store',
    why: 'a daemon runs where no controller is',
  },
  catalog: {
    mayImport: 'lib wire',
    why: 'the catalog only remembers; of the domain it knows its ports alone',
  },
  fleet: {
    mayImport: 'lib wire',
    why: 'the fleet is the outside world; of the domain it knows its ports alone',
  },
  domain: {
    mayImport: 'lib wire',
    why: 'the rules know no GraphQL, SQL or HTTP: ports.ts names what they need',
  },
  resolvers: { mayImport: 'lib wire domain', why: 'a resolver is one line into domain/' },
  client: { mayImport: 'wire', why: 'the typed documents serve browsers and command lines alike' },
  'rest-compat': { mayImport: 'lib wire client', why: 'legacy URLs are a table onto GraphQL documents' },
  web: { mayImport: 'client wire', why: 'pages talk GraphQL like every other user' },
  controller: {
    mayImport: 'lib wire http metrics catalog fleet domain resolvers rest-compat client',
    why: 'the controller process joins the control side, and never touches a store or an engine',
  },
  cli: {
    mayImport: 'lib wire http controller daemon client',
    why: 'a command starts a program or asks one; of http it takes the defaults of its flags',
  },
  'main.ts': { mayImport: 'lib cli', why: 'arguments in, exit code out' },
}

/** Imports that break the table, each for a reason that stands beside it. */
const EXCEPTIONS: readonly { from: RegExp; to: RegExp; why: string }[] = [
  {
    from: /^src\/(catalog|fleet)\//,
    to: /^src\/domain\/((health|alarm|notify|delete)-)?ports\.ts$/,
    why: 'a port names the shape, so that its adapter need not repeat it',
  },
  {
    from: /^src\/engine\/child\.ts$/,
    to: /^src\/engine\/plugins\/index\.ts$/,
    why: 'it is where the process of a run begins, and has to know what it can run',
  },
]

/** Packages that one place alone may use. */
const PACKAGES: Readonly<Record<string, { only: RegExp; why: string }>> = {
  '@prisma/client': { only: /^src\/catalog\//, why: 'all others call the functions of catalog/' },
  '@prisma/driver-adapter-utils': {
    only: /^src\/catalog\//,
    why: 'all others call the functions of catalog/',
  },
  'better-sqlite3': {
    only: /^src\/(catalog|daemon)\//,
    why: 'databases belong to the catalog and to the memory of a daemon',
  },
  'type-graphql': { only: /^src\/resolvers\//, why: 'decorators stay at the GraphQL edge' },
  'node-schedule': { only: /^src\/engine\/timers\.ts$/, why: 'timers.ts hides what it lacks' },
  'prom-client': { only: /^src\/metrics\//, why: 'pages and meters are handed out as our own types' },
  koffi: { only: /^src\/lib\//, why: 'calls of the kernel are bound in lib/kernel' },
  'node:child_process': {
    only: /^src\/(engine|hooks|catalog|cli|fleet)\//,
    why: 'only runs, hooks, checks of the catalog and large inventories need processes, and never through a shell',
  },
}

/** Parts of a folder that others may not use. */
const INNER: readonly { part: RegExp; only: RegExp; why: string }[] = [
  {
    part: /^src\/store\/kinds\//,
    only: /^src\/store\//,
    why: 'everyone else uses backups of any kind through the files of store/ itself',
  },
  {
    part: /^src\/store\/store-parts\.ts$/,
    only: /^src\/store\//,
    why: 'everyone else uses the Store, whose calls check and order the steps',
  },
]

const imports = readImports()

test('folders import only what the table allows', () => {
  expect(imports.map(complaintAbout).filter((one) => one !== undefined)).toEqual([])
})

test('plugins do not import each other', () => {
  const plugin = (file: string) => /^src\/engine\/plugins\/([^/]+)\//.exec(file)?.[1]
  const between = imports.filter(({ from, to }) => plugin(from) && plugin(to) && plugin(from) !== plugin(to))
  expect(between).toEqual([])
})

test('inner parts of a folder are imported only by that folder', () => {
  expect(imports.flatMap(innerComplaints)).toEqual([])
  const [stray] = importsOf(
    'src/engine/plugins/x/plugin.ts',
    "import '../../../store/kinds/series/series.ts'",
  )
  expect(stray && innerComplaints(stray)).toHaveLength(1)
})

test('packages are imported only where the table allows', () => {
  const strays = imports.filter(({ from, to }) => PACKAGES[to] && !PACKAGES[to].only.test(from))
  expect(strays.map(({ from, to }) => `${from} uses ${to}: ${PACKAGES[to]?.why}`)).toEqual([])
})

test('nothing pays at its start for what an import of node:http, node:https or node:tls loads', () => {
  const values = /^import (?!type )[^']* from 'node:(https?|tls)'$/m
  const importers = globSync('src/**/*.ts').filter((file) => values.test(readFileSync(file, 'utf8')))
  expect(importers, 'use src/lib/builtins.ts').toEqual([])
})

test('there is no cycle of files, types included', () => {
  expect(findCycles(edgesOf(imports.filter(({ to }) => to.startsWith('src/'))))).toEqual([])
})

test('there is no cycle of folders', () => {
  const between = imports
    .filter((one) => one.to.startsWith('src/') && !exceptionFor(one))
    .map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }))
    .filter(({ from, to }) => from !== to)
  expect(findCycles(edgesOf(between))).toEqual([])
})

test('each exception is still needed', () => {
  const unused = EXCEPTIONS.filter(
    (one) => !imports.some(({ from, to }) => one.from.test(from) && one.to.test(to)),
  )
  expect(unused).toEqual([])
})

test('a forbidden import is reported with its reason', () => {
  const [stray] = importsOf('src/domain/jobs.ts', "import type { Catalog } from '../catalog/catalog.ts'")
  expect(stray && complaintAbout(stray)).toBe(
    'src/domain/jobs.ts imports src/catalog/catalog.ts: domain may import lib, wire, because the rules know no GraphQL, SQL or HTTP: ports.ts names what they need',
  )
})

test('imports of types and those at run time count', () => {
  const text =
    "import type { A } from './a.ts'\nexport { b } from '../wire/b.ts'\nconst c = await import('./c.ts')\n"
  expect(importsOf('src/lib/x.ts', text).map(({ to }) => to)).toEqual([
    'src/lib/a.ts',
    'src/wire/b.ts',
    'src/lib/c.ts',
  ])
})

test('a cycle of three is found', () => {
  const edges = edgesOf([
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'c', to: 'a' },
    { from: 'c', to: 'd' },
  ])
  expect(findCycles(edges)).toEqual([['a', 'b', 'c']])
})

function complaintAbout(one: Import): string | undefined {
  const [from, to] = [folderOf(one.from), folderOf(one.to)]
  if (!one.to.startsWith('src/') || from === to || exceptionFor(one)) return undefined
  const row = TABLE[from]
  if (!row) return `${one.from} is in a folder that the table does not have`
  const allowed = row.mayImport.split(' ')
  if (allowed.includes(to)) return undefined
  return `${one.from} imports ${one.to}: ${from} may import ${allowed.join(', ') || 'nothing of ours'}, because ${row.why}`
}

function innerComplaints({ from, to }: Import): string[] {
  const broken = INNER.filter(({ part, only }) => part.test(to) && !only.test(from))
  return broken.map(({ why }) => `${from} imports ${to}: ${why}`)
}

function exceptionFor({ from, to }: Import) {
  return EXCEPTIONS.find((one) => one.from.test(from) && one.to.test(to))
}

/** `src/engine/plugins/backup/plugin.ts` → `engine/plugins` */
function folderOf(file: string): string {
  const [, top = '', second] = file.split('/')
  return top === 'engine' && second === 'plugins' ? 'engine/plugins' : top
}

function edgesOf(list: readonly Import[]): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>()
  for (const { from, to } of list) edges.set(from, (edges.get(from) ?? new Set()).add(to))
  return edges
}
