import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Import {
  /** `src/engine/run.ts` */
  from: string
  /** A file of ours, or a package: `undici`, `node:fs`. */
  to: string
}

/** All imports under src, including those of types and those at run time (`import()`). */
export function readImports(): Import[] {
  return sources().flatMap((from) => importsOf(from, readFileSync(join(root, from), 'utf8')))
}

export function importsOf(from: string, text: string): Import[] {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  return importedFiles.map(({ fileName }) => ({ from, to: targetOf(from, fileName) }))
}

/** Without generated files. */
function sources(): string[] {
  return globSync('src/**/*.{ts,tsx}', { cwd: root }).filter((file) => !file.includes('/generated/'))
}

function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier))
  const [scope = '', name = ''] = specifier.split('/')
  return specifier.startsWith('@') ? `${scope}/${name}` : scope
}

/** Groups of names that reach each other (Tarjan's strongly connected components). */
export function findCycles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const cycles: string[][] = []
  const visit = (name: string): void => {
    order.set(name, order.size)
    lowest.set(name, order.size - 1)
    open.push(name)
    for (const next of edges.get(name) ?? []) {
      if (!order.has(next)) visit(next)
      if (open.includes(next)) lowest.set(name, Math.min(lowest.get(name) ?? 0, lowest.get(next) ?? 0))
    }
    if (lowest.get(name) !== order.get(name)) return
    const cycle = open.splice(open.indexOf(name))
    if (cycle.length > 1) cycles.push(cycle.toSorted())
  }
  for (const name of edges.keys()) if (!order.has(name)) visit(name)
  return cycles
}
