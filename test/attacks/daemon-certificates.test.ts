import { createPublicKey } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { InviteServerDocument, RevokeServerDocument } from '../../src/client/generated/operations.ts'
import { openDaemonIdentity } from '../../src/daemon/identity/identity.ts'
import { createCertificateRequest } from '../../src/lib/certificates/certificate-request.ts'
import {
  CERTIFICATE_LIFE_MS,
  createAuthority,
  issueCertificate,
} from '../../src/lib/certificates/issue-certificate.ts'
import { type CertifiedPair, createKeyPem } from '../../src/lib/certificates/x509.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { DAY_MS } from '../../src/lib/time-units.ts'
import {
  ENROL_PATH,
  makeServerUri,
  NEWS_PATH,
  parseJoinToken,
  printJoinToken,
  RENEW_PATH,
} from '../../src/wire/enrolment.ts'
import {
  JobsDocument,
  RecordDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import {
  askTls,
  daemonListenerOf,
  ONE,
  readAuthority,
  readDaemonPair,
  startEnrolling,
  TWO,
} from '../support/enrolled-daemon.ts'
import { freePort } from '../support/free-port.ts'
import { silentLog } from '../support/silent-log.ts'

const YEAR_MS = 365 * DAY_MS

type World = Awaited<ReturnType<typeof startEnrolling>>

async function enrolOne(world: World) {
  const token = await world.invite(ONE)
  const daemon = await world.startDaemon(ONE, { joinToken: token })
  await expect.poll(() => isReachable(world, ONE), { timeout: 20_000 }).toBe(true)
  return { daemon, token, listener: daemonListenerOf(token), pair: readDaemonPair(world.folder, ONE) }
}

async function isReachable({ execute }: Pick<World, 'execute'>, ip: string) {
  return (await execute(ServersDocument, {})).servers.find((server) => server.ip === ip)?.reachable
}

async function problemsOf({ execute }: Pick<World, 'execute'>, ip: string) {
  return (await execute(ServersDocument, {})).servers.find((server) => server.ip === ip)?.problems.join(' ')
}

function newsOf(server: string) {
  return { protocol: 2, daemonId: 'a'.repeat(32), server, records: [], running: [] }
}

/** A certificate of this authority for a key that it knows, issued long ago or later than now. */
async function reissue(
  world: World,
  pair: CertifiedPair,
  { ip = ONE, at = Date.now() } = {},
): Promise<CertifiedPair> {
  const publicKey = createPublicKey(pair.key).export({ type: 'spki', format: 'der' })
  const subject = { uri: makeServerUri(ip), ip, publicKey }
  return {
    key: pair.key,
    certificate: await issueCertificate(readAuthority(world.folder).authority, subject, at),
  }
}

test('an enrolled daemon runs jobs and sends news through TLS, and answers nobody else', async () => {
  const world = await startEnrolling()
  const { pair } = await enrolOne(world)
  const { jobs } = await world.execute(JobsDocument, { filter: { server: ONE, action: 'backup' } })
  const { runJob } = await world.execute(RunJobDocument, { id: jobs[0]?.id ?? '' })
  const state = async () => (await world.execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('SUCCESS')
  const base = world.daemonUrls[ONE] ?? ''
  await expect(fetch(`${base}/api/v1/debug`)).rejects.toThrow()
  expect(await askTls(base, { path: '/api/v1/debug' })).toMatchObject({ status: 403 })
  // A daemon is not a controller, not even on its own machine.
  expect(await askTls(base, { path: '/api/v1/debug', own: pair })).toMatchObject({ status: 403 })
  const { controller } = readAuthority(world.folder)
  expect(await askTls(base, { path: '/api/v1/debug', own: controller })).toMatchObject({ status: 200 })
})

test('an enrolled daemon cannot fall back to plain HTTP, in either dialect', async () => {
  const world = await startEnrolling()
  await enrolOne(world)
  const post = async (body: object) =>
    (
      await fetch(`${world.url}${NEWS_PATH}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).status
  expect(await post(newsOf(ONE))).toBe(403)
  const rid = `${Math.floor(Date.now() / 1000)}${'a'.repeat(32)}`
  const legacy = {
    id: `7f000002${'b'.repeat(32)}`,
    spec: '',
    action: 'backup',
    args: {},
    type: 'once',
    sleep: false,
    rid,
  }
  const ends = {
    result: null,
    state: 'running',
    start: new Date().toISOString(),
    end: '0001-01-01T00:00:00Z',
    reason: '',
  }
  expect(await post({ ...legacy, ...ends })).toBe(403)
  expect(await post(newsOf(TWO))).toBe(200)
})

test('a join token enrols one key: not another one, not later, not for another server', async () => {
  const world = await startEnrolling()
  const { token, listener, pair } = await enrolOne(world)
  const { id, secret } = parseJoinToken(token)
  const ask = async (key: string, more: object = {}) => {
    const body = { id, secret, ip: ONE, request: await createCertificateRequest(key), ...more }
    return askTls(listener, { method: 'POST', path: ENROL_PATH, body })
  }
  const other = createKeyPem()
  expect(await ask(other)).toMatchObject({ status: 403, text: expect.stringMatching(/has been used/) })
  expect(await ask(pair.key), 'the answer was lost').toMatchObject({ status: 200 })
  expect(await ask(other, { ip: TWO })).toMatchObject({ status: 403 })
  expect(await ask(other, { secret: 'x'.repeat(43) })).toMatchObject({ status: 403 })
  const body = Buffer.from(
    (await createCertificateRequest(pair.key)).replace(/-----[^-]+-----|\s/g, ''),
    'base64',
  )
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
  const request = `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
  expect(await ask(pair.key, { request }), 'without proof of the key').toMatchObject({ status: 400 })
  const forTwo = parseJoinToken(await world.invite(TWO))
  const wrong = printJoinToken({ ...forTwo, authority: '0'.repeat(64) })
  await expect(world.startDaemon(TWO, { joinToken: wrong })).rejects.toThrow(/not the one that gave out/)
  await expect(world.startDaemon(TWO, { joinToken: token })).rejects.toThrow(/join token is for/)
})

test('a join token expires, also while the controller is stopped', async () => {
  const world = await startEnrolling({ isLegacyPeer: () => true })
  const token = parseJoinToken(await world.invite(ONE))
  await world.close()
  const file = join(world.folder, 'controller/enrolments.json')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(/"expiresAt":"[^"]+"/, '"expiresAt":"2026-01-01T00:00:00.000Z"'))
  const again = await world.startController()
  const { inviteServer } = await again.execute(InviteServerDocument, { ip: TWO, replace: false })
  const joinToken = printJoinToken({ ...token, url: daemonListenerOf(inviteServer.token) })
  await expect(world.startDaemon(ONE, { joinToken })).rejects.toThrow(/has expired/)
})

test('a server that is enrolled is invited only to be replaced, and its old key then counts no more', async () => {
  const world = await startEnrolling()
  const { daemon, token, listener, pair } = await enrolOne(world)
  await expect(world.invite(ONE)).rejects.toThrow(/enrolled already/)
  const joinToken = await world.invite(ONE, true)
  await daemon.close()
  await world.startDaemon(ONE, { joinToken })
  const post = (own: CertifiedPair) =>
    askTls(listener, { method: 'POST', path: NEWS_PATH, body: newsOf(ONE), own })
  expect(await post(pair)).toMatchObject({ status: 403 })
  expect(await post(readDaemonPair(world.folder, ONE))).toMatchObject({ status: 200 })
  await expect.poll(() => isReachable(world, ONE), { timeout: 20_000 }).toBe(true)
  // The one that was replaced cannot come back with its own token.
  const { id, secret } = parseJoinToken(token)
  const body = { id, secret, ip: ONE, request: await createCertificateRequest(pair.key) }
  expect(await askTls(listener, { method: 'POST', path: ENROL_PATH, body })).toMatchObject({ status: 403 })
  expect(await post(readDaemonPair(world.folder, ONE))).toMatchObject({ status: 200 })
})

test('news of somebody without a certificate that counts is refused before its body is sent', async () => {
  const world = await startEnrolling()
  const { listener, pair } = await enrolOne(world)
  const { hostname, port } = new URL(listener)
  const stray = await reissue(world, { ...pair, key: createKeyPem() })
  for (const [path, own] of [
    [NEWS_PATH, undefined],
    [NEWS_PATH, stray],
    [RENEW_PATH, stray],
  ] as const) {
    const shown = own && { key: own.key, cert: own.certificate }
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ...shown })
    const answered = new Promise((resolve) => socket.once('data', resolve))
    const head = `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n`
    socket.write(head)
    expect(String(await answered), path).toContain('403')
    socket.destroy()
  }
})

test('a controller that lost the list of enrolled daemons does not go back to plain HTTP', async () => {
  const world = await startEnrolling()
  await enrolOne(world)
  await world.close()
  await rm(join(world.folder, 'controller/enrolments.json'))
  await expect(world.startController()).rejects.toThrow(/enrolments.json: it is missing/)
})

test('an enrolled daemon starts with a join token that is gone or cannot be used', async () => {
  const world = await startEnrolling()
  const { daemon } = await enrolOne(world)
  await daemon.close()
  for (const joinToken of ['', 'bkj_nonsense']) await (await world.startDaemon(ONE, { joinToken })).close()
  await expect(world.startDaemon(TWO, { joinToken: '' })).rejects.toThrow(/join token is empty/)
})

test('a daemon renews its certificate where the controller is now, and remembers that', async () => {
  const world = await startEnrolling()
  const { daemon, listener } = await enrolOne(world)
  await daemon.close()
  const dataDir = join(world.folder, `daemon-${ONE}`)
  const file = join(dataDir, 'identity.json')
  const stored = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...stored, url: `https://127.0.0.1:${await freePort()}` }))
  const identity = await openDaemonIdentity({ dataDir, ip: ONE, clock: systemClock, log: silentLog })
  await expect(identity?.renew([])).rejects.toThrow(/Cannot reach the controller/)
  await identity?.renew([listener])
  const renewed = JSON.parse(await readFile(file, 'utf8'))
  expect(renewed).toMatchObject({ url: listener, key: stored.key })
  expect(renewed.certificate).not.toBe(stored.certificate)
})

test('the first enrolment does not cut off other servers unasked', async () => {
  const world = await startEnrolling({ isLegacyPeer: () => false })
  await expect(world.invite(ONE)).rejects.toThrow(/would no longer reach 127.0.0.3.*--legacy-peer/)
})

test('certificates of another authority or server count nowhere', async () => {
  const world = await startEnrolling()
  const { listener, pair } = await enrolOne(world)
  const two = await world.startDaemon(TWO, { joinToken: await world.invite(TWO) })
  const base = world.daemonUrls[ONE] ?? ''
  const pairOfTwo = readDaemonPair(world.folder, TWO)
  const post = (own: CertifiedPair | undefined, server: string) =>
    askTls(listener, { method: 'POST', path: NEWS_PATH, body: newsOf(server), own })
  expect(await post(pair, ONE)).toMatchObject({ status: 200 })
  expect(await post(undefined, ONE)).toMatchObject({ status: 403 })
  expect(await post(pairOfTwo, ONE)).toMatchObject({ status: 403, text: expect.stringContaining(TWO) })
  expect(await askTls(base, { method: 'PUT', path: '/api/v1/cron/jobs', own: pairOfTwo })).toMatchObject({
    status: 403,
  })
  const evil = await createAuthority('backupd', Date.now())
  const publicKey = createPublicKey(pair.key).export({ type: 'spki', format: 'der' })
  const forged = await issueCertificate(evil, { uri: 'urn:backupd:controller', publicKey }, Date.now())
  expect(
    await askTls(base, { path: '/api/v1/debug', own: { key: pair.key, certificate: forged } }),
  ).toMatchObject({
    status: 403,
    text: expect.stringMatching(/another authority/),
  })
  const asOne = await issueCertificate(evil, { uri: makeServerUri(ONE), ip: ONE, publicKey }, Date.now())
  expect(await post({ key: pair.key, certificate: asOne }, ONE)).toMatchObject({ status: 403 })
  // Of our authority, for a key that was never enrolled.
  const stray = await reissue(world, { ...pair, key: createKeyPem() })
  expect(await post(stray, ONE)).toMatchObject({ status: 403, text: expect.stringMatching(/does not count/) })
  await two.close()
})

test('a revoked daemon is cut off at once, also after a restart', async () => {
  const world = await startEnrolling()
  const { listener, pair } = await enrolOne(world)
  const { hostname, port } = new URL(listener)
  const socket = connect({
    host: hostname,
    port: Number(port),
    key: pair.key,
    cert: pair.certificate,
    rejectUnauthorized: false,
  })
  const body = JSON.stringify(newsOf(ONE))
  const head = `POST ${NEWS_PATH} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  const answered = new Promise((resolve) => socket.once('data', resolve))
  socket.write(`${head}${body}`)
  expect(String(await answered)).toContain('200 OK')
  const closed = new Promise((resolve) => socket.once('close', resolve).on('error', () => {}))
  await world.execute(RevokeServerDocument, { ip: ONE })
  await closed
  const post = (to: string) => askTls(to, { method: 'POST', path: NEWS_PATH, body: newsOf(ONE), own: pair })
  expect(await post(listener)).toMatchObject({ status: 403 })
  await expect.poll(() => problemsOf(world, ONE), { timeout: 20_000 }).toMatch(/was revoked/)
  await world.close()
  const again = await world.startController()
  const { inviteServer } = await again.execute(InviteServerDocument, { ip: TWO, replace: false })
  expect(await post(daemonListenerOf(inviteServer.token))).toMatchObject({ status: 403 })
  await expect.poll(() => problemsOf(again, ONE), { timeout: 20_000 }).toMatch(/was revoked/)
})

test('an expired certificate may only renew itself, for a year', async () => {
  const world = await startEnrolling()
  const { listener, pair } = await enrolOne(world)
  const expired = await reissue(world, pair, { at: Date.now() - CERTIFICATE_LIFE_MS - 10 * DAY_MS })
  const late = await reissue(world, pair, { at: Date.now() - CERTIFICATE_LIFE_MS - YEAR_MS - DAY_MS })
  const early = await reissue(world, pair, { at: Date.now() + YEAR_MS })
  const post = (own: CertifiedPair) =>
    askTls(listener, { method: 'POST', path: NEWS_PATH, body: newsOf(ONE), own })
  for (const own of [expired, late, early])
    expect(await post(own)).toMatchObject({ status: 403, text: expect.stringMatching(/Check both clocks/) })
  const renew = async (own: CertifiedPair, key = pair.key) =>
    askTls(listener, {
      method: 'POST',
      path: RENEW_PATH,
      body: { request: await createCertificateRequest(key) },
      own,
    })
  expect(await renew(late)).toMatchObject({ status: 403 })
  expect(await renew(expired, createKeyPem()), 'another key').toMatchObject({ status: 403 })
  const renewed = await renew(expired)
  expect(renewed.status).toBe(200)
  expect(await problemsOf(world, ONE)).toMatch(/had expired/)
  const { certificate } = JSON.parse(renewed.text)
  expect(await post({ key: pair.key, certificate })).toMatchObject({ status: 200 })
  await world.execute(RevokeServerDocument, { ip: ONE })
  expect(await renew(expired), 'revoked').toMatchObject({ status: 403 })
})

test('a daemon whose clock is a year off is told so, and heals when the clock is right', async () => {
  const world = await startEnrolling()
  let ahead = YEAR_MS
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const token = await world.invite(ONE)
  await expect(world.startDaemon(ONE, { joinToken: token, clock })).rejects.toThrow(
    /has expired.*Check both clocks/,
  )
  ahead = -YEAR_MS
  await expect(world.startDaemon(ONE, { joinToken: token, clock })).rejects.toThrow(
    /not valid yet.*Check both clocks/,
  )
  ahead = 0
  await world.startDaemon(ONE, { joinToken: token, clock })
  await expect.poll(() => isReachable(world, ONE), { timeout: 20_000 }).toBe(true)
  ahead = YEAR_MS
  await expect.poll(() => problemsOf(world, ONE), { timeout: 40_000 }).toMatch(/Check both clocks/)
  ahead = 0
  await expect.poll(() => problemsOf(world, ONE), { timeout: 40_000 }).not.toMatch(/Check both clocks/)
})
