// Bundles programs: a few large files start twice as fast as two thousand small ones, and need less memory.
// `node scripts/bundle.ts` writes `dist/main.js`, and beside it `dist/program` with all that the program loads or starts;
// with a file as its argument, it bundles that aside; with `--tests`, what tests start: `dist/test-programs`.
import { chmodSync, globSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type OutputOptions, rolldown } from 'rolldown'

const root = dirname(import.meta.dirname)

/** How sources name the entry of a process or thread that they start. */
export const STARTED = /new URL\(`\.\/([a-z-]+)\$\{extname\(import\.meta\.url\)\}`, import\.meta\.url\)/g

/** How tests name a program that they start. */
export const TEST_PROGRAM = /new URL\(['"](?:\.\.\/)+programs\/([a-z-]+)\.ts['"], import\.meta\.url\)/g

/** Packages that look for files of their own: native code, WebAssembly, and the logger's threads. */
const LEFT_OUT = [/^koffi/, /^better-sqlite3/, /^pino/, /^thread-stream/, /^@prisma\/client\/runtime\/.*wasm/]

/** Bundled, all programs of tests lie in one folder. */
const FLAT = {
  name: 'flat',
  transform: (code: string) => code.replaceAll(TEST_PROGRAM, "new URL('./$1.js', import.meta.url)"),
}

/**
 * Bundles `file`, a program of a benchmark or script, and returns the file to run. It lies as deep below the checkout as
 * the files of `dist/program`, for sources find `package.json` and the migrations from there.
 */
export async function bundleAside(file: string): Promise<string> {
  const dir = join(root, 'dist', `aside-${basename(file, '.ts')}`)
  rmSync(dir, { recursive: true, force: true })
  await bundle([file], { dir })
  return join(dir, `${basename(file, '.ts')}.js`)
}

async function bundleProgram(): Promise<void> {
  removeAllBut('web', 'test-programs')
  await bundle(['src/main.ts'], {
    dir: join(root, 'dist'),
    entryFileNames: ({ name }) => (name === 'main' ? 'main.js' : `program/${name}.js`),
    chunkFileNames: 'program/[name]-[hash].js',
  })
  chmodSync(join(root, 'dist/main.js'), 0o755)
}

async function bundleTestPrograms(): Promise<void> {
  const dir = join(root, 'dist/test-programs')
  rmSync(dir, { recursive: true, force: true })
  await bundle(globSync('test/programs/*.ts', { cwd: root }), { dir })
}

/** What is in `dist`, except folders of it and the notes of the build. */
function removeAllBut(...kept: string[]): void {
  const names = globSync('dist/*', { cwd: root }).filter((name) => !kept.includes(basename(name)))
  for (const name of names) rmSync(join(root, name), { recursive: true, force: true })
}

async function bundle(files: readonly string[], output: OutputOptions): Promise<void> {
  const entries = [...files.map((file) => join(root, file)), ...startedFiles()]
  const input = Object.fromEntries(entries.map((entry) => [basename(entry, '.ts'), entry]))
  const tsconfig = join(root, 'tsconfig.json')
  const external = LEFT_OUT
  // A package may be loaded late in one place and at once in another.
  const checks = { ineffectiveDynamicImport: false }
  await using build = await rolldown({ input, platform: 'node', external, tsconfig, checks, plugins: [FLAT] })
  // GraphQL takes the names of its types from those of classes. Licenses ask to be kept.
  const comments = { jsdoc: false, annotation: false, legal: true }
  await build.write({ keepNames: true, comments, ...output })
}

/** Bundled, they lie in one folder: each needs a name of its own. */
function startedFiles(): string[] {
  const files = globSync('src/**/*.ts', { cwd: root }).flatMap((file) => {
    const started = readFileSync(join(root, file), 'utf8').matchAll(STARTED)
    return [...started].map(([, name]) => join(root, dirname(file), `${name}.ts`))
  })
  const names = files.map((file) => basename(file))
  const twice = names.find((name, n) => names.indexOf(name) !== n)
  if (twice) throw new Error(`Two files that are started are named ${twice}: rename one`)
  return files
}

const [, , asked] = process.argv
if (import.meta.main) {
  if (asked === '--tests') await bundleTestPrograms()
  else await (asked ? bundleAside(asked) : bundleProgram())
}
