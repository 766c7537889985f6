// `npm run schema`: writes schema.graphql, the text of what src/resolvers defines. A test compares the two.
// The resolvers carry decorators, which Node does not run as they are: they are compiled aside first.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { node, root, run, tool } from './toolchain.mjs'

const aside = join(root, 'node_modules/.cache/schema')
rmSync(aside, { recursive: true, force: true })
tool('tsc', ['-p', 'tsconfig.build.json', '--noCheck', '--incremental', 'false', '--outDir', aside])
run(node, [join(aside, 'resolvers/emit-schema.js'), join(root, 'schema.graphql')])
