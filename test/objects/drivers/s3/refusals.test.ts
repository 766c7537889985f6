import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { Bucket } from '../../../../src/objects/drivers/s3/bucket.ts'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { describePlace, type S3Settings } from '../../../../src/wire/store-settings.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { startFaultProxy, type TlsIdentity } from '../../../support/fault-proxy.ts'
import { freePort } from '../../../support/free-port.ts'
import { onEnd } from '../../../support/lifetime.ts'
import { tempDir } from '../../../support/temp-dir.ts'

async function problemOf(settings: S3Settings): Promise<{ code: string; message: string }> {
  return await s3Driver(settings)
    .check()
    .then(
      () => ({ code: 'none', message: '' }),
      (error) => error,
    )
}

function unavailable(place: S3Settings, reason: RegExp | string) {
  const start = `Cannot use the store ${describePlace(place)}: `
  const text = typeof reason === 'string' ? reason : reason.source
  return { code: 'STORE_UNAVAILABLE', message: expect.stringMatching(`^${start}${text}[^\\n]*$`) }
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

const NOWHERE: S3Settings = { driver: 's3', bucket: 'none', prefix: '', pathStyle: true, region: 'us-east-1' }

describeSwift('a store on a real Swift', (place) => {
  test('is used if everything is right', async () => {
    expect(await problemOf(place.settings)).toMatchObject({ code: 'none' })
  })

  test('names a bucket that does not exist', async () => {
    const wrong = { ...place.settings, bucket: 'missing' }
    expect(await problemOf(wrong)).toMatchObject(unavailable(wrong, 'the bucket does not exist'))
  })

  test('names a wrong secret, and an unknown key', async () => {
    const credentialsFile = join(tempDir(), 'credentials')
    const write = (key: string) =>
      writeFileSync(credentialsFile, `aws_access_key_id = ${key}\naws_secret_access_key = wrong\n`)
    write(place.swift.owner.accessKeyId)
    expect(await problemOf({ ...place.settings, credentialsFile })).toMatchObject(
      unavailable(place.settings, 'the secret key is wrong'),
    )
    const stat = s3Driver({ ...place.settings, credentialsFile }).stat('ns/object')
    await expect(stat).rejects.toThrow('the secret key is wrong')
    write('nobody')
    expect(await problemOf({ ...place.settings, credentialsFile })).toMatchObject(
      unavailable(place.settings, 'the (store does not know the access key|secret key is wrong)'),
    )
  })

  test('names a missing right, also if the request was one without an answer of its own', async () => {
    const strange = { ...place.settings, credentialsFile: place.swift.stranger.file }
    expect(await problemOf(strange)).toMatchObject(unavailable(strange, 'access denied'))
    await expect(s3Driver(strange).stat('ns/object')).rejects.toThrow('access denied')
    await expect(s3Driver(strange).replace('ns/object', Buffer.from('x'))).rejects.toThrow('access denied')
  })

  test('names the right that is missing, at the check of a start too', async () => {
    const settings = { ...(await place.swift.newStore()), credentialsFile: place.swift.stranger.file }
    await s3Driver({ ...settings, credentialsFile: place.swift.owner.file }).replace('ns/a', Buffer.from('a'))
    const denied = (right: string) => expect.objectContaining({ message: expect.stringContaining(right) })
    const driver = s3Driver(settings)
    await place.swift.grant(settings, { read: true, write: true })
    await expect(driver.check()).rejects.toEqual(denied('s3:ListBucket'))
    await expect(driver.stat('ns/none')).rejects.toEqual(denied('s3:ListBucket'))
    await place.swift.grant(settings, { list: true })
    await driver.check()
    await expect(driver.check({ byWriting: true })).rejects.toEqual(denied('s3:PutObject'))
    await expect(driver.create('ns/b')).rejects.toEqual(denied('s3:PutObject'))
    await expect(driver.remove('ns/a')).rejects.toEqual(denied('s3:DeleteObject'))
    expect(await driver.stat('ns/a')).toMatchObject({ size: 1 })
    await place.swift.grant(settings, { list: true, write: true })
    await driver.check({ byWriting: true })
  })

  test('names a clock that is wrong', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    try {
      expect(await problemOf(place.settings)).toMatchObject(
        unavailable(place.settings, 'the clocks of this machine'),
      )
    } finally {
      vi.useRealTimers()
    }
  })

  test.skipIf(!hasOpenssl)('trusts the authority of --s3-ca-file, and no other (needs openssl)', async () => {
    const { key, cert, file } = makeIdentity()
    const { endpoint } = await startFaultProxy(place.swift.endpoint, { key, cert })
    const untrusted = { ...place.settings, endpoint }
    expect(await problemOf(untrusted)).toMatchObject(
      unavailable(place.settings, 'the certificate of the endpoint is not trusted .*--s3-ca-file'),
    )
    expect(await problemOf({ ...untrusted, caFile: file })).toMatchObject({ code: 'none' })
    expect(await problemOf({ ...untrusted, caFile: '/none' })).toMatchObject({
      message: expect.stringContaining('Cannot read the file of --s3-ca-file'),
    })
  })

  test('refuses content that changed on its way', async () => {
    const md5 = Buffer.alloc(16).toString('base64')
    const put = new Bucket(place.settings).put('ns/object', Buffer.from('x'), { writer: 'w', md5 })
    await expect(put).rejects.toThrow('the content changed on its way to the store')
    expect(await s3Driver(place.settings).stat('ns/object')).toBeUndefined()
  })
})

test('an endpoint that nobody listens at is named', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const credentialsFile = new URL('credentials', import.meta.url).pathname
  expect(await problemOf({ ...NOWHERE, endpoint, credentialsFile: someKey() })).toMatchObject(
    unavailable(NOWHERE, 'the endpoint cannot be reached \\(ECONNREFUSED\\)'),
  )
  expect(await problemOf({ ...NOWHERE, endpoint, credentialsFile })).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('Cannot read the file of --s3-credentials-file'),
  })
})

test('a server that is not one of S3 is named', async () => {
  const server = createHttpServer((_request, response) => response.end('<!doctype html><p>Welcome'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(() => server.close())
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(await problemOf({ ...NOWHERE, endpoint, credentialsFile: someKey() })).toMatchObject(
    unavailable(NOWHERE, '.*Check that --s3-endpoint is the URL of an S3 server'),
  )
})

/** A certificate for this machine that is its own authority. */
function makeIdentity(): TlsIdentity & { file: string } {
  const dir = tempDir()
  const [keyFile, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=backupd-test', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', ...kind, ...name, '-keyout', keyFile, '-out', file], { stdio: 'pipe' })
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(file, 'utf8'), file }
}

function someKey(): string {
  const file = join(tempDir(), 'credentials')
  writeFileSync(file, 'aws_access_key_id = A\naws_secret_access_key = B\n')
  return file
}
