// `npm run build`: makes what `bin` names; with `--tests`, what tests start, too.
import { ensureBuilt, TEST_PARTS } from './toolchain.mjs'

try {
  ensureBuilt(process.argv.includes('--tests') ? TEST_PARTS : undefined)
} catch (error) {
  console.error(`backupd: ${error.message}`)
  process.exit(1)
}
