import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { InviteServerDocument, RotateAuthorityDocument } from '../../src/client/generated/operations.ts'
import { CERTIFICATE_LIFE_MS, issueCertificate } from '../../src/lib/certificates/issue-certificate.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { DAY_MS, MINUTE_MS } from '../../src/lib/time-units.ts'
import { makeServerUri } from '../../src/wire/enrolment.ts'
import {
  JobsDocument,
  RecordDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import {
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
