import { serveRuns } from './child-main.ts'
import { plugins } from './plugins/index.ts'

serveRuns(plugins)
