import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { InviteServerDocument, RotateAuthorityDocument } from '../../src/client/generated/operations.ts'
import { openDaemonIdentity } from '../../src/daemon/identity/identity.ts'
import { createCertificateRequest } from '../../src/lib/certificates/certificate-request.ts'
import { CERTIFICATE_LIFE_MS, issueCertificate } from '../../src/lib/certificates/issue-certificate.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { DAY_MS, MINUTE_MS } from '../../src/lib/time-units.ts'
import { makeServerUri, RENEW_PATH } from '../../src/wire/enrolment.ts'
import {
  JobsDocument,
  RecordDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import { keptLog } from '../support/daemon-kit.ts'
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

const YEAR_MS = 365 * DAY_MS
const PATIENCE = { timeout: 50_000 }

type World = Awaited<ReturnType<typeof startEnrolling>>
type Asked = Pick<World, 'execute'>

/** A wall clock that is off by some time, and on which what comes after a minute or more comes soon. */
function makeWrongClock(off: number): Clock & { off: number } {
  return {
    ...systemClock,
    off,
    now() {
      return Date.now() + this.off
    },
    after: (ms, act) => systemClock.after(ms >= MINUTE_MS ? 500 : ms, act),
  }
}

async function readServer({ execute }: Asked) {
  const server = (await execute(ServersDocument, {})).servers.find(({ ip }) => ip === ONE)
  return { reachable: server?.reachable, problems: server?.problems.join(' ') ?? '' }
}

const expectReachable = (world: Asked) =>
  expect.poll(async () => (await readServer(world)).reachable, PATIENCE).toBe(true)

async function runOnce({ execute }: Asked) {
  const { jobs } = await execute(JobsDocument, { filter: { server: ONE, action: 'backup' } })
  const { runJob } = await execute(RunJobDocument, { id: jobs[0]?.id ?? '' })
  const state = async () => (await execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, PATIENCE).toBe('SUCCESS')
}

async function readHealth(url: string) {
  return String(((await (await fetch(`${url}/healthz`)).json()) as { reason?: string }).reason)
}

function readLifeMs(folder: string): number {
  const { validFromDate, validToDate } = new X509Certificate(readAuthority(folder).controller.certificate)
  return validToDate.getTime() - validFromDate.getTime()
}

/** An enrolled daemon, on ports that a second controller uses, too. */
async function startEnrolled(clock: Clock, daemonClock: Clock = clock) {
  const world = await startEnrolling({ clock, isLegacyPeer: (ip) => ip === TWO })
  const token = await world.invite(ONE)
  const daemon = await world.startDaemon(ONE, { joinToken: token, clock: daemonClock })
  await expectReachable(world)
  const daemonTls = { host: '127.0.0.1', port: Number(new URL(daemonListenerOf(token)).port) }
  return { ...world, daemon, daemonTls }
}

for (const [how, off] of [
  ['ahead', YEAR_MS],
  ['behind', -YEAR_MS],
] as const) {
  test(`a fleet that was enrolled with clocks a year ${how} works on when they are set right`, async () => {
    const clock = makeWrongClock(off)
    const world = await startEnrolled(clock)
    clock.off = 0
    const isRight = () => {
      const { validFromDate, validToDate } = new X509Certificate(
        readAuthority(world.folder).controller.certificate,
      )
      return Date.now() > validFromDate.getTime() && Date.now() < validToDate.getTime()
    }
    await expect.poll(isRight, PATIENCE).toBe(true)
    await expectReachable(world)
    await runOnce(world)
  })

  test(`a controller that starts with a clock a year ${how} is not refused by its daemons, and certifies nothing new`, async () => {
    const world = await startEnrolled(makeWrongClock(0))
    await world.close()
    const clock = makeWrongClock(off)
    const wrong = await world.startController({ clock, daemonTls: world.daemonTls })
    await expectReachable(wrong)
    await runOnce(wrong)
    await expect.poll(() => readHealth(wrong.url), PATIENCE).toMatch(/The clock says .*, expected /)
    await expect(wrong.execute(RotateAuthorityDocument, {})).rejects.toThrow(
      /clock of the controller is in doubt/,
    )
    await expect(wrong.execute(InviteServerDocument, { ip: TWO, replace: false })).rejects.toThrow(
      /clock of the controller is in doubt/,
    )
    expect(readLifeMs(world.folder)).toBeGreaterThan(YEAR_MS)
    clock.off = 0
    await expect.poll(() => readLifeMs(world.folder), PATIENCE).toBeLessThan(100 * DAY_MS)
    await expectReachable(wrong)
  })

  test(`a daemon that starts with a clock a year ${how} says so, and works again when it is right`, async () => {
    const world = await startEnrolled(makeWrongClock(0))
    await world.daemon.close()
    const clock = makeWrongClock(off)
    const daemon = await world.startDaemon(ONE, { clock })
    await expect
      .poll(async () => (await readServer(world)).problems, PATIENCE)
      .toMatch(/(expired|not valid yet).*Check both clocks/)
    await expect.poll(() => daemon.log.lines.join('\n'), PATIENCE).toMatch(/Check both clocks/)
    clock.off = 0
    await expectReachable(world)
    await expect
      .poll(async () => (await readServer(world)).problems, PATIENCE)
      .not.toMatch(/Check both clocks|Cannot renew/)
    await runOnce(world)
  })
}

test('a daemon that was off until its certificate had expired renews it, with a problem that says so', async () => {
  const world = await startEnrolled(makeWrongClock(0))
  await world.daemon.close()
  const file = join(world.folder, `daemon-${ONE}/identity.json`)
  const stored = JSON.parse(await readFile(file, 'utf8'))
  const subject = { uri: makeServerUri(ONE), ip: ONE, publicKey: publicKeyOf(stored.key) }
  const at = Date.now() - CERTIFICATE_LIFE_MS - 300 * DAY_MS
  const certificate = await issueCertificate(readAuthority(world.folder).authority, subject, at)
  await writeFile(file, JSON.stringify({ ...stored, certificate }))
  await world.startDaemon(ONE)
  await expectReachable(world)
  expect((await readServer(world)).problems).toMatch(/had expired before it was renewed/)
  const { validToDate } = new X509Certificate(readDaemonPair(world.folder, ONE).certificate)
  expect(validToDate.getTime()).toBeGreaterThan(Date.now() + 80 * DAY_MS)
  await runOnce(world)
})

function readCertificate(folder: string): X509Certificate {
  return new X509Certificate(readDaemonPair(folder, ONE).certificate)
}

test('a clock that is years behind during a rotation gives no daemon a certificate that nobody accepts later', async () => {
  const world = await startEnrolled(makeWrongClock(0))
  await world.daemon.close()
  await world.execute(RotateAuthorityDocument, {})
  await world.close()
  const before = readCertificate(world.folder).fingerprint256
  const clock = makeWrongClock(-2 * YEAR_MS)
  const wrong = await world.startController({ clock, daemonTls: world.daemonTls })
  await world.startDaemon(ONE)
  await expectReachable(wrong)
  const own = readDaemonPair(world.folder, ONE)
  const body = { request: await createCertificateRequest(own.key), severalAuthorities: true }
  const base = `https://127.0.0.1:${world.daemonTls.port}`
  const answer = await askTls(base, { method: 'POST', path: RENEW_PATH, body, own })
  expect([answer.status, answer.text]).toEqual([
    409,
    expect.stringContaining('clock of the controller is in doubt'),
  ])
  expect(readCertificate(world.folder).fingerprint256).toBe(before)
  clock.off = 0
  // Of the new authority, and valid now.
  await expect.poll(() => readCertificate(world.folder).fingerprint256, PATIENCE).not.toBe(before)
  expect(readCertificate(world.folder).validToDate.getTime()).toBeGreaterThan(Date.now() + 80 * DAY_MS)
  await expectReachable(wrong)
  await runOnce(wrong)
})

test('a daemon keeps its certificate if the one that it is given has worse dates', async () => {
  const world = await startEnrolled(makeWrongClock(0))
  const at = Date.now() - 2 * YEAR_MS
  const file = join(world.folder, `daemon-${ONE}/identity.json`)
  const { key, authority } = JSON.parse(await readFile(file, 'utf8'))
  const subject = { uri: makeServerUri(ONE), ip: ONE, publicKey: publicKeyOf(key) }
  const certificate = await issueCertificate(readAuthority(world.folder).authority, subject, at)
  const before = readCertificate(world.folder).fingerprint256
  await world.daemon.close()
  await world.close()
  // In its place, a controller whose clock is behind, and which does not know that.
  const { controller } = readAuthority(world.folder)
  const server = createServer(
    { key: controller.key, cert: controller.certificate, requestCert: true, rejectUnauthorized: false },
    (_request, response) => void response.end(JSON.stringify({ certificate, authority })),
  )
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => void server.listen(world.daemonTls.port, '127.0.0.1', resolve))
  const dataDir = join(world.folder, `daemon-${ONE}`)
  const identity = await openDaemonIdentity({ dataDir, ip: ONE, clock: systemClock, log: keptLog() })
  await expect(identity?.renew([])).rejects.toThrow(/this daemon keeps the one that it has/)
  expect(readCertificate(world.folder).fingerprint256).toBe(before)
})

test('an enrolment that an older copy of the list shows wrongly does not cut a healthy daemon off', async () => {
  const world = await startEnrolled(makeWrongClock(0))
  const list = join(world.folder, 'controller/enrolments.json')
  await world.close()
  const stored = JSON.parse(await readFile(list, 'utf8'))
  for (const server of stored.servers) {
    server.authority = 'a'.repeat(64)
    server.expiresAt = new Date(Date.now() - DAY_MS).toISOString()
  }
  await writeFile(list, JSON.stringify(stored))
  const again = await world.startController({ daemonTls: world.daemonTls })
  await expectReachable(again)
  await runOnce(again)
})
