import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { InviteServerDocument } from '../../src/client/generated/operations.ts'
import { NEWS_PATH } from '../../src/wire/enrolment.ts'
import { ServersDocument } from '../support/client/generated/operations.ts'
import { ONE, startEnrolling, TWO } from '../support/enrolled-daemon.ts'

const LEGACY_TWO = { isLegacyPeer: (ip: string) => ip === TWO }

type World = Awaited<ReturnType<typeof startEnrolling>>

async function readServer({ execute }: Pick<World, 'execute'>, ip: string) {
  return (await execute(ServersDocument, {})).servers.find((server) => server.ip === ip)
}

/** An enrolled daemon whose controller stopped and lost some of its files. */
async function loseFiles(...names: string[]) {
  const world = await startEnrolling(LEGACY_TWO)
  const daemon = await world.startDaemon(ONE, { joinToken: await world.invite(ONE) })
  await expect.poll(async () => (await readServer(world, ONE))?.reachable, { timeout: 20_000 }).toBe(true)
  await world.close()
  for (const name of names) await rm(join(world.folder, 'controller', name))
  return { ...world, daemon }
}

async function readHealth(url: string) {
  return (await (await fetch(`${url}/healthz`)).json()) as { status: string; reason?: string }
}

function postPlainNews(url: string, server: string) {
  const body = JSON.stringify({ protocol: 2, daemonId: 'x', server, records: [], running: [] })
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}${NEWS_PATH}`, { method: 'POST', headers, body })
}

test('a controller that lost both files of its authority refuses plain HTTP, and says so', async () => {
  const world = await loseFiles('authority.json', 'enrolments.json')
  await world.daemon.close()
  // What an attacker would hope for: a daemon of that address without a certificate.
  await rm(join(world.folder, `daemon-${ONE}`, 'identity.json'))
  await world.startDaemon(ONE)
  for (const more of [{ daemonTls: undefined }, {}]) {
    const again = await world.startController(more)
    expect(await readHealth(again.url)).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(/plain HTTP stays refused.*Restore authority.json and enrolments.json/),
    })
    await expect
      .poll(async () => (await readServer(again, ONE))?.problems.join(' '), { timeout: 20_000 })
      .toMatch(/the list of them is lost/)
    expect(await readServer(again, ONE)).toMatchObject({ link: 'REFUSED', reachable: false })
    expect((await postPlainNews(again.url, ONE)).status).toBe(403)
    expect((await postPlainNews(again.url, TWO)).status, 'named with --legacy-peer').toBe(200)
    await again.close()
  }
})

test('a list of enrolments that was emptied by hand does not open plain HTTP again', async () => {
  const world = await loseFiles('authority.json')
  await writeFile(
    join(world.folder, 'controller/enrolments.json'),
    '{"version":1,"servers":[],"invitations":[]}',
  )
  const again = await world.startController()
  expect(await readServer(again, ONE)).toMatchObject({ link: 'REFUSED' })
  expect((await postPlainNews(again.url, ONE)).status).toBe(403)
})

test('a controller that made its authority again names the daemons that refuse it, until they are invited', async () => {
  const world = await loseFiles('authority.json')
  const again = await world.startController()
  const reason = async () => String((await readHealth(again.url)).reason)
  expect(await reason()).toMatch(/lost and made again, so the daemons on 127.0.0.2 .*--replace/)
  const problems = async () => (await readServer(again, ONE))?.problems.join(' ')
  await expect.poll(problems, { timeout: 20_000 }).toMatch(/an authority that was lost/)
  await world.daemon.close()
  const { inviteServer } = await again.execute(InviteServerDocument, { ip: ONE, replace: true })
  await world.startDaemon(ONE, { joinToken: inviteServer.token })
  await expect.poll(async () => (await readServer(again, ONE))?.reachable, { timeout: 20_000 }).toBe(true)
  expect(await reason()).not.toMatch(/made again/)
})

test('a controller without its authority says that it cannot reach the enrolled daemons', async () => {
  const world = await loseFiles('authority.json')
  const again = await world.startController({ daemonTls: undefined })
  expect((await readHealth(again.url)).reason).toMatch(/authority.json is missing.*127.0.0.2/)
})

test('an installation that never enrolled a daemon is warned in its log, and is not degraded by that', async () => {
  const world = await startEnrolling({ daemonTls: undefined })
  expect(world.log.lines.join('\n')).toMatch(/talks to 127.0.0.2, 127.0.0.3 over plain HTTP/)
  expect(await readServer(world, ONE)).toMatchObject({ link: 'PLAIN_HTTP' })
  expect(String((await readHealth(world.url)).reason)).not.toMatch(/plain HTTP/)
  await expect(readFile(join(world.folder, 'controller/enrolments.json'))).rejects.toThrow()
})
