import { writeFileSync } from 'node:fs'
import { createServer, request as forward } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { isTransient } from '../../../../src/objects/transient.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { listen } from '../../../support/listen.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const LARGE = Buffer.alloc(9 * 1024 * 1024, 'x')

// On a model: the real server of the tests has neither encryption nor storage classes.

test('every object is encrypted as asked, and data alone gets the storage class', async () => {
  const { settings, objects } = await startS3Model()
  const driver = s3Driver({
    ...settings,
    encryption: 'aws:kms',
    kmsKeyId: 'key-1',
    storageClass: 'STANDARD_IA',
  })
  const archive = await driver.create('ns/archive', { kind: 'data' })
  await archive.write(LARGE)
  await archive.commit()
  const pack = await driver.createIn('ns/tmp', { kind: 'data' })
  await pack.write(Buffer.from('pack'))
  await pack.commit('ns/pack')
  const snapshot = await driver.createIn('ns/tmp', { kind: 'snapshot' })
  await snapshot.commit('ns/snapshot')
  await driver.replace('ns/note', Buffer.from('note'))
  const encrypted = { 'server-side-encryption': 'aws:kms', 'server-side-encryption-aws-kms-key-id': 'key-1' }
  const asked = Object.fromEntries([...objects].map(([name, object]) => [name, object.asked]))
  expect(asked).toEqual({
    '.conditional-writes': encrypted,
    'ns/archive': { ...encrypted, 'storage-class': 'STANDARD_IA' },
    'ns/pack': { ...encrypted, 'storage-class': 'STANDARD_IA' },
    'ns/snapshot': encrypted,
    'ns/note': encrypted,
  })
})

describeSwift('a store on a real Swift', (place) => {
  test('that has no such storage class or encryption says so when the daemon starts', async () => {
    const check = (more: object) => s3Driver({ ...place.settings, ...more }).check({ byWriting: true })
    await expect(check({ storageClass: 'STANDARD_IA' })).rejects.toThrow(/--s3-storage-class/)
    await expect(check({ encryption: 'AES256' })).rejects.toThrow(/--s3-encryption/)
  })

  test('is reached through a proxy, and through nothing else', async () => {
    const { proxy, requests } = await startProxy()
    const driver = s3Driver({ ...place.settings, proxy })
    await driver.replace('ns/object', Buffer.from('through'))
    expect(await driver.stat('ns/object')).toMatchObject({ size: 7 })
    expect(requests.length).toBeGreaterThan(1)
    expect(requests.every((url) => url.startsWith(place.settings.endpoint ?? ''))).toBe(true)
  })
})

test.each([
  [502, true],
  [403, false],
])('a proxy that answers %i to a connection over TLS is named', async (status, isRepeated) => {
  const { settings } = await startS3Model()
  const server = createServer()
  server.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`))
  const proxy = await listen(server)
  const check = s3Driver({ ...settings, endpoint: 'https://127.0.0.1:1', proxy }).check()
  const error = await check.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(`the proxy does not connect to the endpoint.* ${status} .*--s3-proxy`),
  })
  expect(isTransient(error)).toBe(isRepeated)
})

test('a file of --s3-ca-file without a certificate is named', async () => {
  const { settings } = await startS3Model()
  const caFile = join(tempDir(), 'ca.pem')
  writeFileSync(caFile, 'not a certificate')
  await expect(s3Driver({ ...settings, caFile }).check()).rejects.toThrow(
    `Cannot use ${caFile} of --s3-ca-file: it has no certificate`,
  )
})

/** A real proxy for HTTP, and for TLS by CONNECT. */
async function startProxy(): Promise<{ proxy: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    const { method = '', headers } = request
    const onward = forward(request.url ?? '', { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      if (method === 'HEAD') response.end()
      else answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.on('connect', (request, socket) => {
    const [host = '', port] = (request.url ?? '').split(':')
    requests.push(`http://${request.url}`)
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  return { proxy: await listen(server), requests }
}
