// What `npm start` and `npm test` need before they can go: the packages of the lock file and a build of these sources.
// Runs on any Node that can start npm 10 or newer; everything else runs on the Node pinned in package.json.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
/** Of the package for this machine's processor; package.json names each under optionalDependencies. */
export const node = join(root, 'node_modules/.bin/node')

const GENERATED_FROM = [
  'prisma',
  'src/client',
  'src/restic/codec',
  'test/support/client',
  'schema.graphql',
  'codegen.yml',
  'scripts/db-generate.mjs',
  'scripts/wasm-generate.mjs',
  'package-lock.json',
]
const BUNDLED_FROM = [...GENERATED_FROM, 'src', 'tsconfig.json', 'scripts/bundle.ts']
/** What a build makes, in order: each part anew when something that it is made from has changed. */
const PARTS = [
  { name: 'generated', from: GENERATED_FROM, make: generate },
  {
    name: 'program',
    from: BUNDLED_FROM,
    make: () => run(node, ['scripts/bundle.ts']),
  },
  {
    name: 'web',
    from: ['src/web', 'package-lock.json'],
    make: () => tool('vite', ['build', '--config', 'src/web/vite.config.ts', '--logLevel', 'error']),
  },
]

/** What tests need besides. */
export const TEST_PARTS = [
  ...PARTS,
  {
    name: 'test-programs',
    from: [...BUNDLED_FROM, 'test/programs', 'test/support'],
    make: () => run(node, ['scripts/bundle.ts', '--tests']),
  },
]

/** Nothing is to be fetched but packages: Prisma's engine is not needed (its client has none, migrations are ours). */
export const environment = {
  ...process.env,
  PATH: join(root, 'node_modules/.bin') + delimiter + process.env.PATH,
  PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true',
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  CHECKPOINT_DISABLE: '1',
}

/** Runs a program without a shell, its output shown. Throws where it fails. */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, env: environment, stdio: 'inherit', ...options })
  if (done.error) throw done.error
  if (done.status !== 0)
    throw new Error(`"${command} ${args.join(' ')}" ended with ${done.signal ?? done.status}`)
}

/** A program of node_modules/.bin on the pinned Node. */
export function tool(name, args, options) {
  run(node, [join(root, 'node_modules/.bin', name), ...args], options)
}

export function ensureNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node ${process.versions.node} is too old to install backupd: use Node 20.19 or newer`)
  }
}

export function ensureInstalled() {
  ensureNode()
  if (isInstalled()) return
  console.log('Installing what package-lock.json names …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  ensurePinnedNode()
}

/** npm says nothing when it leaves an optional package out: one for another processor, or one it could not fetch. */
function ensurePinnedNode() {
  if (existsSync(node)) return
  const machine = `${process.platform} ${process.arch}`
  throw new Error(
    `Cannot install Node for ${machine}: package.json has it for Linux on x64 and arm64. If this is one of them, npm could not fetch it: run "npm ci" again`,
  )
}

/** npm leaves a copy of the lock file in node_modules: every package there must be the one that is wanted, by its hash. */
function isInstalled() {
  const there = readLock(join(root, 'node_modules/.package-lock.json'))
  if (!there || !existsSync(node)) return false
  const wanted = readLock(join(root, 'package-lock.json')) ?? {}
  return Object.entries(wanted).every(([name, wish]) => name === '' || isAsWanted(there[name], wish))
}

/** Optional packages may be for another machine, peers may be left out. */
function isAsWanted(found, { optional, peer, integrity }) {
  return found ? found.integrity === integrity : Boolean(optional || peer)
}

function readLock(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined
}

/** @param parts `npm run build` makes those; a test run makes TEST_PARTS, too */
export function ensureBuilt(parts = PARTS) {
  const stale = parts.filter((part) => !isBuilt(part))
  if (stale.length > 0) console.log('Building …')
  for (const { name, from, make } of stale) {
    rmSync(stampOf(name), { force: true })
    make()
    mkdirSync(join(root, 'dist'), { recursive: true })
    writeFileSync(stampOf(name), fingerprint(from))
  }
}

function isBuilt({ name, from }) {
  const stamp = stampOf(name)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(from)
}

function stampOf(name) {
  return join(root, 'dist', `.${name}-from`)
}

/** The Prisma client, the typed documents, and the snapshot codec's WebAssembly. */
function generate() {
  run(node, ['scripts/db-generate.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] })
  tool('graphql-codegen', ['--config', 'codegen.yml', '--silent'], { stdio: ['ignore', 'ignore', 'inherit'] })
  run(node, ['scripts/wasm-generate.mjs'])
}

function fingerprint(from) {
  const hash = createHash('sha256')
  for (const name of from) addTo(hash, name)
  return hash.digest('hex')
}

function addTo(hash, name) {
  const entries = existsSync(join(root, name)) ? filesOf(name) : []
  for (const file of entries) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
}

function filesOf(name) {
  if (name === 'package-lock.json' || name.includes('.')) return [name]
  const all = readdirSync(join(root, name), { recursive: true, withFileTypes: true })
  return all
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('generated'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}
