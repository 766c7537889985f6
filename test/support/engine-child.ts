import { serveRuns } from '../../src/engine/child-main.ts'
import { enginePlugins } from './engine-plugins.ts'

serveRuns(enginePlugins)
