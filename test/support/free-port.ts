import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ListenOptions } from 'node:net'
import { errnoOf } from '../../src/lib/errors.ts'

/**
 * A port on 127.0.0.1 that nobody uses at the moment, and that no other test on this machine gets until this process ends.
 * It is below those that the kernel chooses, which may go to any connection before the port is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    // An abstract socket of that name belongs to one process, and ends with it.
    const claim = await tryListen({ path: `\0backupd-test-port-${port}` })
    if (!claim) continue
    claim.unref()
    const server = await tryListen({ port, host: '127.0.0.1' })
    if (!server) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

/** Undefined if the address is in use. */
async function tryListen(options: ListenOptions) {
  const server = createServer().listen(options)
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') return undefined
    throw error
  }
}
