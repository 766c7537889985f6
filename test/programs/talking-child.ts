import { serveRuns } from '../../src/engine/child-main.ts'
import { testPlugin } from '../../src/engine/plugins/test/plugin.ts'

console.log('a child is here')
serveRuns([testPlugin])
