// `npm run schema`: writes schema.graphql, the text of what src/resolvers defines. A test compares the two.
// The resolvers carry decorators, which Node does not run as they are: they are bundled first.
import { join } from 'node:path'
import { node, root, run } from './toolchain.mjs'

run(node, ['scripts/bundle.ts', 'src/resolvers/emit-schema.ts'])
run(node, [join(root, 'dist/aside-emit-schema/emit-schema.js'), join(root, 'schema.graphql')])
