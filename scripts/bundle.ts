// Bundles programs: a few large files start twice as fast as two thousand small ones, and need less memory.
// `node scripts/bundle.ts` writes `dist/main.js`, and beside it `dist/program` with all that the program loads or starts;
// with a file as its argument, it bundles that aside.
import { chmodSync, globSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type OutputOptions, rolldown } from 'rolldown'

const root = dirname(import.meta.dirname)

/** How sources name the entry of a process or thread that they start. */
const STARTED = /new URL\(`\.\/([a-z-]+)\$\{extname\(import\.meta\.url\)\}`/g

/** Packages that look for files of their own: native code, WebAssembly, and the logger's threads. */
const LEFT_OUT = [/^koffi/, /^better-sqlite3/, /^pino/, /^thread-stream/, /^@prisma\/client\/runtime\/.*wasm/]

/**
 * Bundles `file`, a program of a benchmark or script, and returns the file to run. It lies as deep below the checkout as
 * the files of `dist/program`, for sources find `package.json` and the migrations from there.
 */
export async function bundleAside(file: string): Promise<string> {
  const dir = join(root, 'dist', `aside-${basename(file, '.ts')}`)
  rmSync(dir, { recursive: true, force: true })
  await bundle(join(root, file), { dir })
  return join(dir, `${basename(file, '.ts')}.js`)
}

async function bundleProgram(): Promise<void> {
  removeAllBut('web')
  await bundle(join(root, 'src/main.ts'), {
    dir: join(root, 'dist'),
    entryFileNames: ({ name }) => (name === 'main' ? 'main.js' : `program/${name}.js`),
    chunkFileNames: 'program/[name]-[hash].js',
  })
  chmodSync(join(root, 'dist/main.js'), 0o755)
}

/** What is in `dist`, except a folder of it and the notes of the build. */
function removeAllBut(kept: string): void {
  const names = globSync('dist/*', { cwd: root }).filter((name) => name !== join('dist', kept))
  for (const name of names) rmSync(join(root, name), { recursive: true, force: true })
}

async function bundle(file: string, output: OutputOptions): Promise<void> {
  const input = Object.fromEntries([file, ...startedFiles()].map((entry) => [basename(entry, '.ts'), entry]))
  const tsconfig = join(root, 'tsconfig.json')
  await using build = await rolldown({ input, platform: 'node', external: LEFT_OUT, tsconfig })
  // GraphQL takes the names of its types from those of classes.
  await build.write({ keepNames: true, ...output })
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

const [, , aside] = process.argv
if (import.meta.main) await (aside ? bundleAside(aside) : bundleProgram())
