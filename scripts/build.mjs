// `npm run build`: makes what `bin` names.
import { ensureBuilt } from './toolchain.mjs'

try {
  ensureBuilt()
} catch (error) {
  console.error(`backupd: ${error.message}`)
  process.exit(1)
}
