import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  AuditPageDocument,
  AuthoritiesDocument,
  RetireAuthorityDocument,
  RevokeServerDocument,
  RotateAuthorityDocument,
} from '../../src/client/generated/operations.ts'
import { createCertificateRequest } from '../../src/lib/certificates/certificate-request.ts'
import {
  CERTIFICATE_LIFE_MS,
  createAuthority,
  issueCertificate,
} from '../../src/lib/certificates/issue-certificate.ts'
import type { CertifiedPair } from '../../src/lib/certificates/x509.ts'
import { DAY_MS } from '../../src/lib/time-units.ts'
import { makeServerUri, NEWS_PATH, RENEW_PATH } from '../../src/wire/enrolment.ts'
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
  publicKeyOf,
  readAuthority,
  readDaemonPair,
  startEnrolling,
  TWO,
} from '../support/enrolled-daemon.ts'

const ALL_LEGACY = { isLegacyPeer: () => true }
const PATIENCE = { timeout: 40_000 }

type World = Awaited<ReturnType<typeof startEnrolling>>
type Asked = Pick<World, 'execute'>

async function startTwo() {
  const world = await startEnrolling(ALL_LEGACY)
  const token = await world.invite(ONE)
  const one = await world.startDaemon(ONE, { joinToken: token })
  const two = await world.startDaemon(TWO, { joinToken: await world.invite(TWO) })
  await expectReachable(world, ONE, TWO)
  return { ...world, one, two, listener: daemonListenerOf(token) }
}

async function expectReachable({ execute }: Asked, ...ips: string[]) {
  const reached = async () =>
    (await execute(ServersDocument, {})).servers.filter(({ reachable }) => reachable).map(({ ip }) => ip)
  await expect.poll(reached, PATIENCE).toEqual(expect.arrayContaining(ips))
}

async function listStates({ execute }: Asked) {
  const { authorities } = await execute(AuthoritiesDocument, {})
  return authorities.map(({ state, trustedBy, lacking }) => [state, trustedBy.join(' '), lacking.join(' ')])
}

const rotate = ({ execute }: Asked) => execute(RotateAuthorityDocument, {})
const retire = ({ execute }: Asked, force = false) => execute(RetireAuthorityDocument, { force })

function post(listener: string, ip: string, own: CertifiedPair) {
  const body = { protocol: 2, daemonId: 'a'.repeat(32), server: ip, records: [], running: [] }
  return askTls(listener, { method: 'POST', path: NEWS_PATH, body, own })
}

async function renew(listener: string, own: CertifiedPair, more: object = {}) {
  const body = { request: await createCertificateRequest(own.key), ...more }
  const { status, text } = await askTls(listener, { method: 'POST', path: RENEW_PATH, body, own })
  return { status, text, issued: status === 200 ? JSON.parse(text) : undefined }
}

function isOf(certificate: string, authority: string): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey)
}

async function readHealth(url: string) {
  return String(((await (await fetch(`${url}/healthz`)).json()) as { reason?: string }).reason)
}

async function runOnce({ execute }: Asked, server: string) {
  const { jobs } = await execute(JobsDocument, { filter: { server, action: 'backup' } })
  const { runJob } = await execute(RunJobDocument, { id: jobs[0]?.id ?? '' })
  const state = async () => (await execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, PATIENCE).toBe('SUCCESS')
}

test('a rotation reaches a daemon that runs and one that was down, and then the old authority ends', async () => {
  const world = await startTwo()
  const before = readAuthority(world.folder).authority.certificate
  await world.two.close()
  await rotate(world)
  await expect(rotate(world)).rejects.toThrow(/a rotation is under way/)
  await expect
    .poll(() => listStates(world), PATIENCE)
    .toEqual([
      ['CURRENT', `${ONE} ${TWO}`, ''],
      ['NEXT', ONE, TWO],
    ])
  const next = readAuthority(world.folder).next?.certificate ?? ''
  expect(readDaemonPair(world.folder, ONE)).toMatchObject({ authority: before, authorities: [before, next] })
  expect(isOf(readDaemonPair(world.folder, ONE).certificate, next)).toBe(true)
  await expect(retire(world)).rejects.toThrow(/the daemons on 127.0.0.3 do not have the new one.*--force/)
  await runOnce(world, ONE)

  await world.startDaemon(TWO)
  await expect.poll(() => listStates(world), PATIENCE).toContainEqual(['NEXT', `${ONE} ${TWO}`, ''])
  await retire(world)
  const trusted = [ONE, TWO].map((ip) => () => readDaemonPair(world.folder, ip))
  for (const read of trusted)
    await expect.poll(read, PATIENCE).toMatchObject({ authority: next, authorities: [next] })
  await expect.poll(() => listStates(world), PATIENCE).toEqual([['CURRENT', `${ONE} ${TWO}`, '']])
  await expectReachable(world, ONE, TWO)
  await runOnce(world, ONE)
  await runOnce(world, TWO)
  const { audit } = await world.execute(AuditPageDocument, { first: 100, filter: {} })
  const outcomes = audit.nodes
    .filter(({ verb }) => /Authority/.test(verb))
    .map(({ verb, outcome }) => [verb, outcome])
  expect(outcomes).toContainEqual(['rotateAuthority', 'done'])
  expect(outcomes).toContainEqual(['retireAuthority', 'done'])
  expect(outcomes).toContainEqual(['retireAuthority', expect.stringMatching(/refused: CONFLICT/)])
})

test('a daemon of an earlier version works until the old authority is retired by force, and then is named', async () => {
  const world = await startTwo()
  await world.two.close()
  await rotate(world)
  const { authority } = readAuthority(world.folder)
  // It says of itself neither that it knows several authorities, nor which.
  const two = readDaemonPair(world.folder, TWO)
  const { issued } = await renew(world.listener, two)
  expect(issued.authority).toBe(authority.certificate)
  expect(isOf(issued.certificate, authority.certificate)).toBe(true)
  const own = { key: two.key, certificate: issued.certificate }
  expect(await post(world.listener, TWO, own)).toMatchObject({ status: 200 })
  await expect.poll(() => listStates(world), PATIENCE).toContainEqual(['NEXT', ONE, TWO])
  await retire(world, true)
  expect(await post(world.listener, TWO, own)).toMatchObject({
    status: 403,
    text: expect.stringMatching(/another authority/),
  })
  expect(await readHealth(world.url)).toMatch(/was retired.*127.0.0.3 .*--replace/)
  await world.startDaemon(TWO, { joinToken: await world.invite(TWO, true) })
  await expectReachable(world, ONE, TWO)
  expect(await readHealth(world.url)).not.toMatch(/was retired/)
})

test('a join token from before a rotation works until the old authority is retired, and then says what to do', async () => {
  const world = await startEnrolling(ALL_LEGACY)
  const tokens = [await world.invite(ONE), await world.invite(TWO)]
  await rotate(world)
  await world.startDaemon(ONE, { joinToken: tokens[0] })
  const { next } = readAuthority(world.folder)
  expect(isOf(readDaemonPair(world.folder, ONE).certificate, next?.certificate ?? '')).toBe(true)
  await expect.poll(() => listStates(world), PATIENCE).toContainEqual(['NEXT', ONE, ''])
  await retire(world)
  await expect(world.startDaemon(TWO, { joinToken: tokens[1] })).rejects.toThrow(
    /has another authority since.*another join token/,
  )
  await world.startDaemon(TWO, { joinToken: await world.invite(TWO) })
  await expectReachable(world, ONE, TWO)
})

test('a controller that is killed after any step of a rotation goes on from there', async () => {
  const world = await startTwo()
  const file = (name: string) => join(world.folder, 'controller', name)
  await copyFile(file('enrolments.json'), file('enrolments.before'))
  await rotate(world)
  await world.close()
  // What was told of the daemons since was not written any more.
  await copyFile(file('enrolments.before'), file('enrolments.json'))
  expect(JSON.parse(await readFile(file('authority.json'), 'utf8'))).toMatchObject({ version: 2 })
  const again = await world.startController({
    daemonTls: { host: '127.0.0.1', port: Number(new URL(world.listener).port) },
  })
  await expect.poll(() => listStates(again), PATIENCE).toContainEqual(['NEXT', `${ONE} ${TWO}`, ''])
  await copyFile(file('enrolments.json'), file('enrolments.before'))
  await retire(again)
  await again.close()
  await copyFile(file('enrolments.before'), file('enrolments.json'))
  expect(JSON.parse(await readFile(file('authority.json'), 'utf8'))).toMatchObject({ version: 1 })
  const last = await world.startController({
    daemonTls: { host: '127.0.0.1', port: Number(new URL(world.listener).port) },
  })
  await expectReachable(last, ONE, TWO)
  await expect.poll(() => listStates(last), PATIENCE).toEqual([['CURRENT', `${ONE} ${TWO}`, '']])
  await runOnce(last, TWO)
})

test('what was revoked stays revoked across a rotation, and what expired renews itself', async () => {
  const world = await startTwo()
  const [one, two] = [readDaemonPair(world.folder, ONE), readDaemonPair(world.folder, TWO)]
  await world.one.close()
  await world.two.close()
  await world.execute(RevokeServerDocument, { ip: TWO })
  await rotate(world)
  const { authority, next } = readAuthority(world.folder)
  const at = Date.now() - CERTIFICATE_LIFE_MS - 300 * DAY_MS
  const subject = { uri: makeServerUri(ONE), ip: ONE, publicKey: publicKeyOf(one.key) }
  const expired = { key: one.key, certificate: await issueCertificate(authority, subject, at) }
  expect(await post(world.listener, ONE, expired)).toMatchObject({ status: 403 })
  const renewed = await renew(world.listener, expired, { severalAuthorities: true })
  expect(isOf(renewed.issued.certificate, next?.certificate ?? '')).toBe(true)
  expect(renewed.issued.authorities).toEqual([authority.certificate, next?.certificate])
  const withNext = { key: one.key, certificate: renewed.issued.certificate }
  expect(await post(world.listener, ONE, withNext)).toMatchObject({ status: 200 })
  expect(await renew(world.listener, two, { severalAuthorities: true })).toMatchObject({ status: 403 })
  await retire(world, true)
  expect(await renew(world.listener, two, { severalAuthorities: true })).toMatchObject({ status: 403 })
  expect(await post(world.listener, ONE, withNext)).toMatchObject({ status: 200 })
})

test('an authority that ends within a year, and a rotation that nobody finished, are problems', async () => {
  const world = await startTwo()
  await world.two.close()
  await world.close()
  const file = join(world.folder, 'controller/authority.json')
  const present = JSON.parse(readFileSync(file, 'utf8'))
  const ending = await createAuthority('backupd', Date.now() - 19.5 * 365 * DAY_MS)
  await writeFile(file, JSON.stringify({ ...present, authority: ending }))
  const old = await world.startController()
  expect(await readHealth(old.url)).toMatch(/expires at .*backupd ca rotate/)
  await old.close()
  const next = await createAuthority('backupd', Date.now() - 8 * DAY_MS)
  await writeFile(file, JSON.stringify({ ...present, version: 2, next }))
  const waiting = await world.startController({
    daemonTls: { host: '127.0.0.1', port: Number(new URL(world.listener).port) },
  })
  await expect.poll(() => listStates(waiting), PATIENCE).toContainEqual(['NEXT', ONE, TWO])
  expect(await readHealth(waiting.url)).toMatch(/waits for the daemons on .*127.0.0.3.*backupd ca retire/)
  expect(await readHealth(waiting.url)).not.toMatch(/expires at/)
  await world.startDaemon(TWO)
  await expect.poll(() => listStates(waiting), PATIENCE).toContainEqual(['NEXT', `${ONE} ${TWO}`, ''])
  await retire(waiting)
  expect(await readHealth(waiting.url)).not.toMatch(/rotation/)
})

test('a controller that does not listen for daemons rotates nothing', async () => {
  const world = await startEnrolling({ daemonTls: undefined })
  await expect(rotate(world)).rejects.toThrow(/--daemon-tls-addr/)
  await expect(retire(world)).rejects.toThrow(/--daemon-tls-addr/)
  expect(await listStates(world)).toEqual([])
  const listening = await startEnrolling()
  await expect(retire(listening)).rejects.toThrow(/no new one was made/)
})
