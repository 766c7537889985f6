import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { RevokeServerDocument } from '../../src/client/generated/operations.ts'
import { createCertificateRequest } from '../../src/lib/certificates/certificate-request.ts'
import { type CertifiedPair, createKeyPem } from '../../src/lib/certificates/x509.ts'
import { ENROL_PATH, NEWS_PATH, parseJoinToken, RENEW_PATH } from '../../src/wire/enrolment.ts'
import { ridOf, sampleRecord } from '../support/catalog-samples.ts'
import { hasOpenssl, makeCertificate } from '../support/certificates.ts'
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
  readDaemonPair,
  startEnrolling,
  TWO,
} from '../support/enrolled-daemon.ts'
import { freePort } from '../support/free-port.ts'
import { testFolder } from '../support/real-controller.ts'
import { nameRoute, type WatchedRoute, watchRoutes } from '../support/watched-routes.ts'

/** What each route of the controller's listener for daemons gives to the identity of a server. A new route needs a rule. */
const LISTENER_RULES: Readonly<Record<string, 'a join token only' | 'its own server only'>> = {
  [`POST ${ENROL_PATH}`]: 'a join token only',
  [`POST ${RENEW_PATH}`]: 'its own server only',
  [`POST ${NEWS_PATH}`]: 'its own server only',
}

/** Routes of users that everybody may ask, and what they then say. */
const PUBLIC: Readonly<Record<string, RegExp>> = {
  'GET /': /404 not found/,
  'HEAD /': /^$/,
  'POST /login': /expected \{.*token/,
  'POST /logout': /^\{"ended":false\}$/,
  'GET /healthz': /^\{"status":"\w+","version":"[^"]+"\}$/,
  'HEAD /healthz': /^$/,
  'GET /ide/*': /404/,
  'HEAD /ide/*': /^$/,
  'GET /download/*': /^"This address does not work/,
  'HEAD /download/*': /^$/,
}

type Stolen = Awaited<ReturnType<typeof startStolen>>

/** Two enrolled servers; the identity of the first was stolen. `routes` are those of users, of daemons, and of the listener. */
async function startStolen() {
  const apps = watchRoutes()
  const tlsPort = await freePort()
  const tlsFiles = await makeCertificate(await testFolder(), 'users')
  const world = await startEnrolling({
    isLegacyPeer: () => true,
    access: { anonymous: 'none', insecureHttp: false },
    tls: { host: '127.0.0.1', port: tlsPort, ...tlsFiles },
  })
  const tokens = { [ONE]: await world.invite(ONE), [TWO]: await world.invite(TWO) }
  for (const ip of [ONE, TWO] as const) await world.startDaemon(ip, { joinToken: tokens[ip] })
  const areReachable = async () =>
    (await world.execute(ServersDocument, {})).servers.every(({ reachable }) => reachable)
  await expect.poll(areReachable, { timeout: 20_000 }).toBe(true)
  const pick = (path: string) => apps.find((routes) => routes.some((route) => route.path === path)) ?? []
  const found = { users: pick('/graphql'), daemons: pick('/api/v1/notify'), listener: pick(ENROL_PATH) }
  return {
    ...world,
    ...found,
    tokens,
    tlsUrl: `https://127.0.0.1:${tlsPort}`,
    listenerUrl: daemonListenerOf(tokens[ONE]),
    own: readDaemonPair(world.folder, ONE),
  }
}

function fill({ path }: WatchedRoute): string {
  return path.replace(/:\w+|\*/g, 'x')
}

/** What the routes answer to the stolen identity. */
async function askAll(base: string, routes: readonly WatchedRoute[], own: CertifiedPair) {
  const answers = new Map<string, { status: number; text: string }>()
  for (const route of routes)
    answers.set(
      nameRoute(route),
      await askTls(base, { method: route.method, path: fill(route), own, headers: {} }),
    )
  return answers
}

/** A run of the second server that has ended. */
async function runOnTwo({ execute }: Stolen): Promise<string> {
  const { jobs } = await execute(JobsDocument, { filter: { server: TWO, action: 'backup' } })
  const { runJob } = await execute(RunJobDocument, { id: jobs[0]?.id ?? '' })
  const state = async () => (await execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('SUCCESS')
  return runJob.rid
}

function postNews({ listenerUrl, own }: Stolen, server: string, records: object[]) {
  const body = { protocol: 2, daemonId: 'a'.repeat(32), server, records, running: [] }
  return askTls(listenerUrl, { method: 'POST', path: NEWS_PATH, body, own })
}

test.runIf(hasOpenssl)('every route of the listener for daemons has a rule', async () => {
  const { listener, daemons, users } = await startStolen()
  expect(listener.map(nameRoute).sort()).toEqual(Object.keys(LISTENER_RULES).sort())
  expect(daemons.length).toBeGreaterThan(20)
  expect(users.length).toBeGreaterThan(20)
})

test.runIf(hasOpenssl)('a stolen identity is refused on every route of every daemon', async () => {
  const { daemons, daemonUrls, own } = await startStolen()
  for (const base of Object.values(daemonUrls))
    for (const [name, { status, text }] of await askAll(base, daemons, own))
      expect([base, name, status, text], name).toEqual([
        ...[base, name, 403],
        name.startsWith('HEAD') ? '' : expect.stringContaining('Only a controller may ask this daemon'),
      ])
})

test.runIf(hasOpenssl)('a stolen identity opens no route of users, on no port', async () => {
  const { users, listenerUrl, tlsUrl, url, own, tokens } = await startStolen()
  const news = `POST ${NEWS_PATH}`
  const onlyUsers = users.filter((route) => nameRoute(route) !== news)
  for (const [name, { status }] of await askAll(listenerUrl, onlyUsers, own))
    expect([name, status], 'on the listener for daemons').toEqual([name, 404])
  for (const [name, { status, text }] of await askAll(tlsUrl, onlyUsers, own)) {
    const open = PUBLIC[name]
    if (open) expect([name, text]).toEqual([name, expect.stringMatching(open)])
    else expect([name, status], 'on the port of users').toEqual([name, 401])
  }
  // Nothing of the identity is a token.
  for (const secret of [tokens[ONE], parseJoinToken(tokens[ONE]).secret, own.key.replaceAll('\n', '')]) {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers,
      body: '{"query":"{servers{ip}}"}',
    })
    expect(answer.status).toBe(401)
  }
  // Not even over plain HTTP, from an address that counts for servers without certificates.
  for (const server of [ONE, TWO]) {
    const body = JSON.stringify({ protocol: 2, daemonId: 'x', server, records: [], running: [] })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}${NEWS_PATH}`, { method: 'POST', headers, body })
    expect([server, answer.status]).toEqual([server, 403])
  }
})

test.runIf(hasOpenssl)('a stolen identity changes nothing of another server', async () => {
  const stolen = await startStolen()
  const { listenerUrl, own, execute, folder, tokens } = stolen
  const rid = await runOnTwo(stolen)
  const before = await execute(RecordDocument, { rid })
  const post = await postNews(stolen, TWO, [])
  expect(post).toMatchObject({ status: 403, text: expect.stringContaining(`is for ${ONE}`) })
  const ended = {
    state: 'failed',
    end: '2026-12-01T00:00:00Z',
    reason: 'forged',
    seq: 99,
    attempt: 9,
  } as const
  const forged = ridOf(0xbad)
  const { jobs } = await execute(JobsDocument, { filter: { server: TWO, action: 'backup' } })
  const jobId = jobs[0]?.id ?? ''
  // As its own news, about runs, jobs and the server of the other one.
  for (const record of [
    sampleRecord({ rid, server: ONE, ...ended }),
    sampleRecord({ rid, server: TWO, jobId, ...ended }),
    sampleRecord({ rid: forged, server: TWO, jobId, ...ended }),
    sampleRecord({ rid: forged, server: ONE, jobId, ...ended }),
  ])
    expect(await postNews(stolen, ONE, [record])).toMatchObject({ status: 200 })
  expect(await execute(RecordDocument, { rid })).toEqual(before)
  expect((await execute(RecordDocument, { rid: forged })).record).toBeNull()
  // Another key, or another server.
  const key = createKeyPem()
  const renew = async (of: string) =>
    askTls(listenerUrl, {
      ...{ method: 'POST', path: RENEW_PATH, own },
      body: { request: await createCertificateRequest(of) },
    })
  expect(await renew(key)).toMatchObject({ status: 403 })
  expect(await renew(readDaemonPair(folder, TWO).key)).toMatchObject({ status: 403 })
  for (const [ip, token] of Object.entries(tokens)) {
    const { id, secret } = parseJoinToken(token)
    const body = { id, secret, ip, request: await createCertificateRequest(key) }
    expect(await askTls(listenerUrl, { method: 'POST', path: ENROL_PATH, body, own }), ip).toMatchObject({
      status: 403,
    })
  }
  const enrolled = JSON.parse(await readFile(join(folder, 'controller/enrolments.json'), 'utf8'))
  expect(enrolled.servers.map(({ ip }: { ip: string }) => ip)).toEqual([ONE, TWO])
})

test.runIf(hasOpenssl)('a revoked identity gets nothing at all within five seconds', async () => {
  const stolen = await startStolen()
  const { listenerUrl, listener, daemons, daemonUrls, own, execute } = stolen
  const socket = await openConnection(stolen)
  let isClosed = false
  socket
    .on('error', () => {})
    .once('close', () => {
      isClosed = true
    })
  await execute(RevokeServerDocument, { ip: ONE })
  await expect.poll(() => isClosed, { timeout: 5000 }).toBe(true)
  for (const [name, { status }] of await askAll(listenerUrl, listener, own)) {
    // It needs no certificate, and nothing of the stolen one is a join token.
    if (LISTENER_RULES[name] !== 'a join token only') expect([name, status]).toEqual([name, 403])
  }
  expect(await postNews(stolen, ONE, [])).toMatchObject({ status: 403 })
  const body = { request: await createCertificateRequest(own.key) }
  expect(await askTls(listenerUrl, { method: 'POST', path: RENEW_PATH, own, body })).toMatchObject({
    status: 403,
  })
  const { id, secret } = parseJoinToken(stolen.tokens[ONE])
  const enrol = { id, secret, ip: ONE, ...body }
  expect(await askTls(listenerUrl, { method: 'POST', path: ENROL_PATH, body: enrol, own })).toMatchObject({
    status: 403,
  })
  for (const [name, { status }] of await askAll(daemonUrls[TWO] ?? '', daemons, own))
    expect([name, status]).toEqual([name, 403])
})

/** A connection of the stolen identity that stays open. */
async function openConnection({ listenerUrl, own }: Stolen): Promise<TLSSocket> {
  const { hostname, port } = new URL(listenerUrl)
  const shown = { key: own.key, cert: own.certificate, rejectUnauthorized: false }
  const socket = connect({ host: hostname, port: Number(port), ...shown })
  onTestFinished(() => void socket.destroy())
  const answered = new Promise((resolve) => socket.once('data', resolve))
  const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: ONE, records: [], running: [] })
  socket.write(
    `POST ${NEWS_PATH} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  expect(String(await answered)).toContain('200 OK')
  return socket
}
