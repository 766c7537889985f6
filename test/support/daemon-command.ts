import { normaliseArgv } from '../../src/cli/argv.ts'
import { daemonCommand } from '../../src/cli/daemon.ts'
import { messageOf } from '../../src/lib/errors.ts'

/** The command `daemon` alone, without the rest of the program. */
try {
  await daemonCommand().parseAsync(normaliseArgv(process.argv.slice(2)), { from: 'user' })
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
