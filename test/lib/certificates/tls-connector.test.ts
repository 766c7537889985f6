import { createPublicKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Client } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../../src/lib/certificates/issue-certificate.ts'
import { createTlsConnector } from '../../../src/lib/certificates/tls-connector.ts'
import { type CertifiedPair, createKeyPem } from '../../../src/lib/certificates/x509.ts'

async function makePair(authority: CertifiedPair): Promise<CertifiedPair> {
  const key = createKeyPem()
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { key, certificate: await issueCertificate(authority, { uri: 'urn:test', publicKey }, Date.now()) }
}

test('a connection shows the certificate as it is then, not as it was when the client was made', async () => {
  const authority = await createAuthority('test', Date.now())
  const server = createServer({
    ...{ key: authority.key, cert: authority.certificate, requestCert: true, rejectUnauthorized: false },
  })
  const shown: string[] = []
  server.on('request', (request, reply) => {
    shown.push((request.socket as TLSSocket).getPeerX509Certificate()?.serialNumber ?? '')
    reply.setHeader('connection', 'close').end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const pairs = [await makePair(authority), await makePair(authority)] as const
  let own: CertifiedPair = pairs[0]
  const connect = createTlsConnector({ own: () => own, check: () => {}, timeoutMs: 10_000 })
  const client = new Client(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { connect })
  onTestFinished(() => client.close())
  const ask = async () => (await client.request({ method: 'GET', path: '/' })).body.dump()
  await ask()
  own = pairs[1]
  await ask()
  expect(shown).toEqual(pairs.map(({ certificate }) => new X509Certificate(certificate).serialNumber))
})
