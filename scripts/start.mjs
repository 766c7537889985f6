// `npm start`: installs and builds what is missing, then runs `backupd standalone` on the pinned Node.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, environment, root } from './toolchain.mjs'

try {
  ensureInstalled()
  ensureBuilt()
} catch (error) {
  console.error(`backupd: ${error.message}`)
  process.exit(1)
}

const given = process.argv.slice(2)
// The example is on 127.0.0.1 alone, so whoever tries it out needs no token.
const example = ['standalone', '--data', join(root, 'data'), '--anonymous', 'admin']
const args = given.length > 0 ? given : example
// Started by its first line, which names flags for Node; the pinned one comes first in the PATH of `environment`.
const child = spawn(join(root, 'dist/main.js'), args, { stdio: 'inherit', env: environment })

// Ctrl-C reaches both of us: the child ends in good order, and then so do we. What reaches us alone is passed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
process.on('SIGHUP', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
