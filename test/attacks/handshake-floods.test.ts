import { once } from 'node:events'
import { createServer } from 'node:https'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { limitHandshakes } from '../../src/http/handshake-limit.ts'
import { createAuthority } from '../../src/lib/certificates/issue-certificate.ts'
import { keepingLog } from '../support/keeping-log.ts'

async function startLimited(perMinute: number) {
  const { key, certificate: cert } = await createAuthority('a test', Date.now())
  const server = createServer({ key, cert })
  const log = keepingLog()
  limitHandshakes(server, { log, perMinute })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const shake = async (localAddress: string) => {
    const tcp = connectTcp({ host: '127.0.0.1', port, localAddress })
    const socket = connect({ socket: tcp, rejectUnauthorized: false })
    try {
      await once(socket, 'secureConnect')
      return 'done'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    } finally {
      socket.destroy()
    }
  }
  return { shake, log }
}

test('an address that opens too many TLS connections costs no more handshakes, and others notice nothing', async () => {
  const { shake, log } = await startLimited(3)
  for (let n = 0; n < 3; n++) expect(await shake('127.0.0.1')).toBe('done')
  expect(log.lines).toEqual([])
  for (let n = 0; n < 5; n++) expect(await shake('127.0.0.1')).toBe('ECONNRESET')
  expect(log.lines).toEqual([
    '127.0.0.1 opened 3 TLS connections within a minute: more are closed until the minute is over',
  ])
  expect(await shake('127.0.0.2')).toBe('done')
})

test('many connections at once are counted one by one', async () => {
  const { shake } = await startLimited(4)
  const ends = await Promise.all(Array.from({ length: 20 }, () => shake('127.0.0.1')))
  expect(ends.filter((end) => end === 'done')).toHaveLength(4)
})
