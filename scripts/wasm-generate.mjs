// Compiles each AssemblyScript source of the snapshot codec and writes it as a module that holds the WebAssembly in
// base64: the type check, the tests and the built program all find it by an import.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'assemblyscript/asc'

const snapshot = fileURLToPath(new URL('../src/restic', import.meta.url))
const sources = join(snapshot, 'codec/wasm')
const target = join(snapshot, 'generated')

const options = ['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--use', 'abort=']

/** The compiler knows sources that end in `.ts` only; ours do not, so that nothing takes them for TypeScript. */
async function compile(name) {
  let wasm
  const { error, stderr } = await main([`${name}.ts`, '--outFile', 'out.wasm', ...options], {
    readFile: (file) => (file === `${name}.ts` ? readFileSync(join(sources, `${name}.as`), 'utf8') : null),
    writeFile: (_file, contents) => {
      wasm = contents
    },
    listFiles: () => [],
  })
  if (error || !wasm) throw new Error(`Cannot compile ${name}.as: ${stderr.toString()}`, { cause: error })
  return Buffer.from(wasm)
}

mkdirSync(target, { recursive: true })
for (const file of readdirSync(sources)) {
  const name = basename(file, '.as')
  const lines = (await compile(name)).toString('base64').replace(/.{1,100}/g, "  '$&',\n")
  writeFileSync(join(target, `${name}-wasm.ts`), `export const WASM = [\n${lines}].join('')\n`)
}
