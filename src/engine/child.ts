// The entry of a child process: the one file of the engine that knows all plugins.
import { serveRuns } from './child-main.ts'
import { plugins } from './plugins/index.ts'

serveRuns(plugins)
