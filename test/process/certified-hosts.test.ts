import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { CERTIFICATE_LIFE_MS, issueCertificate } from '../../src/lib/certificates/issue-certificate.ts'
import { DAY_MS } from '../../src/lib/time-units.ts'
import { makeServerUri } from '../../src/wire/enrolment.ts'
import { publicKeyOf, readAuthority } from '../support/enrolled-daemon.ts'
import { netClient } from '../support/net-client.ts'
import { makeNetHosts, type NetHost, noNetHosts } from '../support/net-hosts.ts'
import { testFolder } from '../support/real-controller.ts'
import { startProgram } from '../support/standalone.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const [CONTROLLER, ONE, TWO] = ['10.77.0.9', '10.77.0.11', '10.77.0.12'] as const
const URL_THERE = `http://${CONTROLLER}:9002`
const PATIENCE = { timeout: 60_000 }

const INVENTORY = `apps:
  hello:
    web:
      on: [${ONE}, ${TWO}]
      volumes:
        /data/db:
          backup_full: { schedule: "0 5 1 1 *", expire: 30d }
          backup_increment: { schedule: "0 6 1 1 *", expire: 30d }
`

interface ShownServer {
  ip: string
  reachable: boolean
  link: string
}

interface ShownAuthority {
  state: string
  trustedBy: string[]
  lacking: string[]
}

/** A controller and two daemons, each a process on a host of its own; they share the files of a store. */
async function startHosts() {
  const folder = await testFolder()
  const hosts = makeNetHosts()
  onTestFinished(() => hosts[Symbol.dispose]())
  const at = { [CONTROLLER]: hosts.add(CONTROLLER), [ONE]: hosts.add(ONE), [TWO]: hosts.add(TWO) }
  const volumeOf = (no: number) => join(folder, `volumes/hello/hello.web.web/${no}/data/db`)
  for (const no of [1, 2]) await mkdir(volumeOf(no), { recursive: true })
  await writeFile(join(volumeOf(1), 'a.txt'), 'of the first')
  for (const name of ['store', 'controller', ONE, TWO]) await mkdir(join(folder, name))
  await writeFile(join(folder, 'inventory.yaml'), INVENTORY)
  const start = (host: NetHost, args: string[]) => {
    const program = startProgram(args, host)
    const stop = async () => {
      program.process.kill('SIGTERM')
      await program.ended
    }
    onTestFinished(stop)
    return { ...program, stop }
  }
  const startController = async () => {
    const program = start(at[CONTROLLER], [
      ...['controller', '--addr', `${CONTROLLER}:9002`, '--advertise', URL_THERE],
      ...['--daemon-tls-addr', `${CONTROLLER}:9004`, '--legacy-peer', '10.77.0.0/24', '--dport', '9002'],
      ...['--data', join(folder, 'controller'), '--inventory', join(folder, 'inventory.yaml')],
      ...['--volume-root', join(folder, 'volumes'), '--anonymous', 'none'],
    ])
    await program.said(/listens for daemons with certificates/)
    return program
  }
  const startDaemon = async (ip: typeof ONE | typeof TWO, more: string[] = []) => {
    const program = start(at[ip], [
      ...['daemon', '--addr', `${ip}:9002`, '--ip', ip, '--data', join(folder, ip)],
      ...['--volume-root', join(folder, 'volumes')],
      ...['--backup-driver', 'local', '--backup-local-dir', join(folder, 'store'), ...more],
    ])
    await program.said(/The daemon listens on/)
    return program
  }
  const run = (...args: string[]) =>
    at[CONTROLLER].run(
      ...([process.execPath, MAIN, ...args, '--url', URL_THERE] as [string, ...string[]]),
      ...['--token-file', join(folder, 'controller/admin-token')],
    )
  const invite = async (ip: string, ...more: string[]) => {
    const file = join(folder, `join-${ip}`)
    await writeFile(file, run('server', 'invite', ip, ...more))
    return ['--join-file', file]
  }
  const client = await netClient(at[CONTROLLER])
  onTestFinished(() => client[Symbol.dispose]())
  const ask = async <T>(query: string, variables: object = {}): Promise<T> => {
    const authorization = `Bearer ${(await readFile(join(folder, 'controller/admin-token'), 'utf8')).trim()}`
    const { body } = await client.ask(`${URL_THERE}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = body as { data?: T; errors?: { message: string }[] }
    if (!data || errors) throw new Error(errors?.[0]?.message ?? JSON.stringify(body))
    return data
  }
  const linkOf = async (ip: string) => {
    const { servers } = await ask<{ servers: ShownServer[] }>('{ servers { ip reachable link } }')
    const server = servers.find((each) => each.ip === ip)
    return server && `${server.link} ${server.reachable ? 'up' : 'down'}`
  }
  const expectUp = (ip: string) => expect.poll(() => linkOf(ip), PATIENCE).toBe('TLS up')
  const ended = async (rid: string) => {
    const read = async () =>
      (await ask<{ record: { state: string } }>('query ($rid: ID!) { record(rid: $rid) { state } }', { rid }))
        .record.state
    await expect.poll(read, PATIENCE).toBe('SUCCESS')
  }
  const authorities = () => JSON.parse(run('ca', 'show', '--json')) as ShownAuthority[]
  return {
    at,
    folder,
    volumeOf,
    startController,
    startDaemon,
    run,
    invite,
    ask,
    expectUp,
    linkOf,
    ended,
    authorities,
  }
}

test.skipIf(noNetHosts !== undefined)(
  `on three hosts: enrol, back up, migrate, rotate the authority, renew late, revoke${noNetHosts ? `: ${noNetHosts}` : ''}`,
  async () => {
    const world = await startHosts()
    const { ask, run, folder } = world
    await world.startController()
    const one = await world.startDaemon(ONE, await world.invite(ONE))
    await world.startDaemon(TWO, await world.invite(TWO))
    await world.expectUp(ONE)
    await world.expectUp(TWO)
    // Nobody else gets an answer from a daemon, not even the host of another daemon.
    const neighbour = await netClient(world.at[TWO])
    onTestFinished(() => neighbour[Symbol.dispose]())
    expect(await neighbour.ask(`http://${ONE}:9002/api/v1/debug`)).toMatchObject({ status: 0 })
    const news = { protocol: 2, daemonId: 'a'.repeat(32), server: ONE, records: [], running: [] }
    const headers = { 'content-type': 'application/json' }
    const forged = await netClient(world.at[ONE])
    onTestFinished(() => forged[Symbol.dispose]())
    expect(
      await forged.ask(`${URL_THERE}/api/v2/system/notify`, {
        ...{ method: 'POST', headers, body: JSON.stringify(news) },
      }),
    ).toMatchObject({ status: 403 })

    const backUp = async () => {
      const { jobs } = await ask<{ jobs: { id: string }[] }>(
        `{ jobs(filter: { server: "${ONE}", action: "backup", mode: FULL }) { id } }`,
      )
      const { runJob } = await ask<{ runJob: { rid: string } }>(
        'mutation ($id: ID!) { runJob(id: $id) { rid } }',
        { id: jobs[0]?.id },
      )
      await world.ended(runJob.rid)
    }
    await backUp()
    const { backups } = await ask<{ backups: { nodes: { name: string }[] } }>(
      '{ backups { nodes { name } } }',
    )
    const { migrate } = await ask<{ migrate: { rid: string } }>(
      'mutation ($input: MigrateInput!) { migrate(input: $input) { rid } }',
      { input: { app: 'hello', proc: 'web', backup: backups.nodes[0]?.name, to: 2, volume: '/data/db' } },
    )
    await world.ended(migrate.rid)
    expect(await readFile(join(world.volumeOf(2), 'a.txt'), 'utf8')).toBe('of the first')

    // The first daemon was off so long that its certificate expired, and misses the beginning of a rotation.
    await one.stop()
    const file = join(folder, ONE, 'identity.json')
    const stored = JSON.parse(await readFile(file, 'utf8'))
    const subject = { uri: makeServerUri(ONE), ip: ONE, publicKey: publicKeyOf(stored.key) }
    const at = Date.now() - CERTIFICATE_LIFE_MS - 200 * DAY_MS
    const certificate = await issueCertificate(readAuthority(folder).authority, subject, at)
    await writeFile(file, JSON.stringify({ ...stored, certificate }))
    run('ca', 'rotate')
    await expect
      .poll(() => world.authorities()[1], PATIENCE)
      .toMatchObject({ trustedBy: [TWO], lacking: [ONE] })
    expect(() => run('ca', 'retire')).toThrow(/the daemons on 10.77.0.11 do not have the new one/)
    await world.startDaemon(ONE)
    await expect.poll(() => world.authorities()[1], PATIENCE).toMatchObject({ lacking: [] })
    run('ca', 'retire')
    await expect.poll(() => world.authorities(), PATIENCE).toMatchObject([{ state: 'CURRENT', lacking: [] }])
    await world.expectUp(ONE)
    await world.expectUp(TWO)
    await backUp()

    run('server', 'revoke', TWO)
    expect(await world.linkOf(TWO)).toMatch(/^REFUSED/)
    await world.expectUp(ONE)
  },
)
