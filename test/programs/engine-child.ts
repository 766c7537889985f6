import { serveRuns } from '../../src/engine/child-main.ts'
import { enginePlugins } from '../support/engine-plugins.ts'

serveRuns(enginePlugins)
