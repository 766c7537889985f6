import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { acknowledgeAlarm } from '../../src/domain/alarms.ts'
import { acceptInventory } from '../../src/domain/inventory.ts'
import { findNotifications, testNotification } from '../../src/domain/notifications.ts'
import type { PlannedJob } from '../../src/domain/plan.ts'
import { acceptSettings } from '../../src/domain/send-notifications.ts'
import type { World } from '../../src/domain/world.ts'
import { CAPABILITIES } from '../../src/wire/capabilities.ts'
import type { NotifySink } from '../../src/wire/settings.ts'
import { endRun, HOUR, listOpenAlarms, MINUTE, pass, SECOND, turn } from '../support/alarm-kit.ts'
import { asAdmin } from '../support/callers.ts'
import type { InMemory } from '../support/given/in-memory.ts'
import { given } from '../support/given.ts'
import { type MailRules, startMailReceiver } from '../support/mail-receiver.ts'
import { tempFolder } from '../support/temp-catalog.ts'
import { startWebhookReceiver } from '../support/webhook-receiver.ts'

const IP = '10.0.0.1'
const NEW = { timeZone: 'UTC', capabilities: [...CAPABILITIES] }
const ERROR = { code: 'VOLUME_MISSING', message: 'not there', facts: {} }
const FAILED = { state: 'failed', reason: 'not there', error: ERROR } as const
const SECRET = 'a secret of many characters'

function makeSink(url: string, more: Partial<NotifySink> = {}): NotifySink {
  return {
    name: 'pager',
    channel: { kind: 'webhook', url, secret: SECRET, format: 'json' },
    match: { severity: null, kinds: null, apps: null },
    quietHours: null,
    ...more,
  }
}

/** Two apps, well; the sinks are in force. It is 10:01. */
async function start(sinks: readonly NotifySink[], folder?: string) {
  const kit = await given
    .app('shop')
    .proc('web')
    .on(IP)
    .volume('/data/db')
    .schedule({ spec: '0 5 * * *' })
    .app('blog')
    .proc('web')
    .on(IP)
    .volume('/data/blog')
    .schedule({ spec: '0 5 * * *' })
    .daemon(IP, NEW)
    .inMemory(folder === undefined ? {} : { folder })
  for (const job of listJobs(kit.world)) await endRun(kit, kit.world, job)
  await pass(kit, kit.world, MINUTE)
  use(kit.world, sinks)
  return kit
}

function use(world: World, sinks: readonly NotifySink[]): void {
  acceptSettings(world, { kind: 'settings', settings: { sinks: [...sinks], ping: null } })
}

function listJobs({ inventory }: World): PlannedJob[] {
  return inventory.plan.volumes.flatMap(({ jobs }) => jobs)
}

async function fail(kit: InMemory, world: World, app: string): Promise<void> {
  for (const job of listJobs(world)) if (job.volume?.app === app) await endRun(kit, world, job, FAILED)
}

async function mend(kit: InMemory, world: World): Promise<void> {
  for (const job of listJobs(world)) await endRun(kit, world, job)
}

async function list(world: World) {
  const found = await findNotifications(asAdmin(world), {}, { first: 100 })
  if (!('items' in found)) throw new Error(found.message)
  return found.items.map(({ node }) => node)
}

/** The controller is started again, with the same inventory and settings. */
async function reopen(kit: InMemory, url: string): Promise<World> {
  const again = await kit.reopen()
  const { inventory } = kit.memory
  if (!inventory) throw new Error('there is no inventory')
  await acceptInventory(again, { kind: 'inventory', inventory })
  use(again, [makeSink(url)])
  return again
}

test('an alarm is posted when it is raised and when it is cleared, signed, each with an id', async () => {
  const receiver = await startWebhookReceiver()
  const kit = await start([makeSink(receiver.url)])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  await mend(kit, world)
  await pass(kit, world, 7 * MINUTE)
  expect(receiver.posts.map(({ body }) => JSON.parse(body))).toMatchObject([
    {
      event: 'RAISED',
      controller: 'http://10.0.0.9:9002',
      alarm: {
        ...{ kind: 'FAILING', severity: 'WARNING', clearedAt: null },
        target: {
          type: 'VOLUME',
          server: IP,
          app: 'shop',
          proc: 'shop.web.web',
          instanceNo: 1,
          volume: '/data/db',
        },
        message: expect.stringContaining('/data/db of shop.web.web, instance 1: The last full backup'),
        action: expect.stringContaining('docs/errors.md'),
      },
    },
    { event: 'CLEARED', alarm: { kind: 'FAILING', clearedAt: expect.any(String) } },
  ])
  for (const { headers, body } of receiver.posts) {
    const { id } = JSON.parse(body)
    expect(headers['backupd-id']).toBe(id)
    const signed = `${id}.${headers['backupd-timestamp']}.${body}`
    expect(headers['backupd-signature']).toBe(
      `v1=${createHmac('sha256', SECRET).update(signed).digest('hex')}`,
    )
  }
  expect(await list(world)).toMatchObject([
    { sink: 'pager', event: 'CLEARED', state: 'SENT', attempts: 1, answer: 'HTTP 200' },
    { sink: 'pager', event: 'RAISED', state: 'SENT', attempts: 1, answer: 'HTTP 200' },
  ])
})

test('through an outage of ten minutes with a restart in its middle, nothing is lost and nothing comes twice', async () => {
  const receiver = await startWebhookReceiver()
  const kit = await start([makeSink(receiver.url)], await tempFolder())
  await receiver.stop()
  await fail(kit, kit.world, 'shop')
  await pass(kit, kit.world, 5 * MINUTE)
  const again = await reopen(kit, receiver.url)
  await fail(kit, again, 'blog')
  await pass(kit, again, 5 * MINUTE)
  const waiting = await list(again)
  expect(waiting.map(({ state }) => state)).toEqual(['WAITING', 'WAITING'])
  expect(waiting[1]?.attempts).toBeGreaterThan(5)
  await receiver.restart()
  await pass(kit, again, 2 * MINUTE)
  const ids = receiver.posts.map(({ body }) => JSON.parse(body).id)
  expect(ids).toEqual(waiting.map(({ id }) => id).reverse())
  expect((await list(again)).map(({ state }) => state)).toEqual(['SENT', 'SENT'])
  const third = await reopen(kit, receiver.url)
  await pass(kit, third, 2 * MINUTE)
  expect(receiver.posts).toHaveLength(2)
})

test('a sink that fails for five minutes is a problem, which names neither its address nor its secret', async () => {
  const receiver = await startWebhookReceiver()
  receiver.status = 302
  const url = receiver.url.replace('//', '//user:hunter2@').replace('/hook', '/T0/secret-path')
  const kit = await start([makeSink(url)])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 4 * MINUTE)
  expect(world.problems.list().filter(({ source }) => source === 'notify')).toEqual([])
  await pass(kit, world, 4 * MINUTE)
  expect(world.problems.list().filter(({ source }) => source === 'notify')).toMatchObject([
    {
      key: 'pager',
      text: expect.stringMatching(
        `^Notifications do not reach the sink "pager" on 127.0.0.1:${receiver.port}: HTTP 302. \\d+ wait. Check the receiver`,
      ),
    },
  ])
  await receiver.stop()
  await pass(kit, world, 2 * MINUTE)
  const shown = JSON.stringify([await list(world), world.problems.list(), kit.log.lines])
  expect(shown).toContain('ECONNREFUSED')
  for (const secret of ['hunter2', 'secret-path', SECRET]) expect(shown).not.toContain(secret)
  receiver.status = 200
  await receiver.restart()
  await pass(kit, world, 2 * MINUTE)
  expect(receiver.posts[0]).toMatchObject({
    path: '/T0/secret-path',
    headers: { authorization: `Basic ${Buffer.from('user:hunter2').toString('base64')}` },
  })
  expect(world.problems.list().filter(({ source }) => source === 'notify')).toEqual([])
})

test('what the receiver can never take is not tried again', async () => {
  const receiver = await startWebhookReceiver()
  receiver.status = 413
  const kit = await start([makeSink(receiver.url)])
  await fail(kit, kit.world, 'shop')
  await pass(kit, kit.world, 1.5 * MINUTE)
  expect(await list(kit.world)).toMatchObject([{ state: 'FAILED', attempts: 1, answer: 'HTTP 413' }])
  expect(receiver.tried).toBe(1)
  const ofSink = () => kit.world.problems.list().filter(({ source }) => source === 'notify')
  expect(ofSink()).toMatchObject([
    {
      key: 'pager',
      text: expect.stringMatching(/refused for good by the sink "pager" on .*: HTTP 413. It is lost/),
    },
  ])
  receiver.status = 200
  await mend(kit, kit.world)
  await fail(kit, kit.world, 'blog')
  await pass(kit, kit.world, 2 * MINUTE)
  expect(ofSink()).toEqual([])
})

test('a clock that is set back keeps no notification from its sink', async () => {
  const receiver = await startWebhookReceiver()
  await receiver.stop()
  const kit = await start([makeSink(receiver.url)])
  await fail(kit, kit.world, 'shop')
  await pass(kit, kit.world, 2 * MINUTE)
  kit.clock.move(-400 * 24 * HOUR)
  await receiver.restart()
  await pass(kit, kit.world, 2 * MINUTE)
  expect(receiver.posts.map(({ body }) => JSON.parse(body).event)).toEqual(['RAISED'])
})

test('a ping that was taken out of the settings is no problem any more', async () => {
  const kit = await start([])
  const { world } = kit
  const url = 'http://127.0.0.1:1/'
  const ping = (given: { url: string; failUrl: string } | null) =>
    acceptSettings(world, { kind: 'settings', settings: { sinks: [], ping: given } })
  const ofPing = () => world.problems.list().filter(({ key }) => key === 'send the ping')
  ping({ url, failUrl: url })
  await pass(kit, world, MINUTE)
  expect(ofPing()).toHaveLength(1)
  ping(null)
  await turn(world)
  expect(ofPing()).toEqual([])
})

test('a dead sink delays no other, and a sink gets only what it matches', async () => {
  const receiver = await startWebhookReceiver()
  const at = (path: string) => receiver.url.replace('/hook', path)
  const anything = { severity: null, kinds: null, apps: null }
  const kit = await start([
    makeSink('http://127.0.0.1:1/', { name: 'dead' }),
    makeSink(at('/critical'), { name: 'critical', match: { ...anything, severity: 'critical' } }),
    makeSink(at('/warning'), { name: 'warning', match: { ...anything, severity: 'warning' } }),
    makeSink(at('/blog'), { name: 'blog', match: { ...anything, apps: ['blo*'] } }),
    makeSink(at('/silent'), { name: 'silent', match: { ...anything, kinds: ['SILENT'] } }),
  ])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  await fail(kit, world, 'blog')
  kit.daemons.at(IP).down = true
  await pass(kit, world, 4 * MINUTE)
  const byPath = Map.groupBy(receiver.posts, ({ path }) => path)
  const kinds = [...byPath].map(([path, posts]) => [
    path,
    posts.map(({ body }) => JSON.parse(body).alarm.kind),
  ])
  expect(Object.fromEntries(kinds)).toEqual({
    '/warning': ['FAILING', 'SILENT'],
    '/critical': ['SILENT'],
    '/silent': ['SILENT'],
  })
  // The failed backup is explained by the silent server until that is over.
  kit.daemons.at(IP).down = false
  await pass(kit, world, 12 * MINUTE)
  expect(receiver.posts.filter(({ path }) => path === '/blog')).toHaveLength(1)
})

test('quiet hours hold back what is not critical, and drop what is over before they end', async () => {
  const receiver = await startWebhookReceiver()
  const quietHours = { from: 9 * 60, to: 13 * 60, zone: 'UTC' }
  const kit = await start([makeSink(receiver.url, { quietHours })])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  expect(await list(world)).toMatchObject([
    { state: 'WAITING', heldUntil: Date.parse('2026-11-23T13:00:00Z'), attempts: 0 },
  ])
  await mend(kit, world)
  await pass(kit, world, 7 * MINUTE)
  expect(await list(world)).toMatchObject([{ state: 'DROPPED', answer: 'Cleared during quiet hours' }])
  await fail(kit, world, 'blog')
  await pass(kit, world, 2 * MINUTE)
  kit.daemons.at(IP).down = true
  await pass(kit, world, 4 * MINUTE)
  expect(receiver.posts.map(({ body }) => JSON.parse(body).alarm.kind)).toEqual(['SILENT'])
  kit.daemons.at(IP).down = false
  await pass(kit, world, 3 * HOUR, MINUTE)
  expect(receiver.posts.map(({ body }) => JSON.parse(body)).slice(1)).toMatchObject([
    { event: 'CLEARED', alarm: { kind: 'SILENT' } },
    { event: 'RAISED', alarm: { kind: 'FAILING' } },
  ])
})

test('a mail names the alarm, and the sink is tried again until the server takes it', async () => {
  const rules: MailRules = { content: [452, 'no room'] }
  const receiver = await startMailReceiver(rules)
  const to = ['ops@example.org']
  const mail = { kind: 'email', to, from: 'backupd@example.org', server: receiver.url } as const
  const kit = await start([makeSink('', { name: 'mail', channel: mail })])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  expect(await list(world)).toMatchObject([{ state: 'WAITING', answer: expect.stringMatching(/^SMTP 452 /) }])
  delete rules.content
  await pass(kit, world, 10 * MINUTE)
  expect(await list(world)).toMatchObject([{ state: 'SENT', answer: expect.stringMatching(/^250 /) }])
  expect(receiver.mails).toEqual([expect.stringContaining('Subject: [backupd] WARNING FAILING')])
  expect(receiver.mails[0]).toContain('not there')
})

test('Slack and ntfy get bodies that they show as they are', async () => {
  const receiver = await startWebhookReceiver()
  const webhook = { kind: 'webhook', url: receiver.url, secret: null } as const
  const kit = await start([
    makeSink(receiver.url, { name: 'slack', channel: { ...webhook, format: 'slack' } }),
    makeSink(receiver.url, { name: 'ntfy', channel: { ...webhook, format: 'ntfy' } }),
  ])
  const { world } = kit
  const reason = `a <b> & c @channel [here](https://x) ${'\u6f22'.repeat(3000)}`
  for (const job of listJobs(world).slice(0, 1)) await endRun(kit, world, job, { ...FAILED, reason })
  await pass(kit, world, 2 * MINUTE)
  const slack = receiver.posts.find(({ headers }) => headers['content-type'] === 'application/json')
  expect(JSON.parse(slack?.body ?? '').text).toMatch(
    /^WARNING FAILING\n\/data\/.*a &lt;b&gt; &amp; c @\u200bchannel \[here\]\u200b\(https.*\nDo: The error/s,
  )
  const ntfy = receiver.posts.find(({ headers }) => headers['content-type']?.startsWith('text/plain'))
  expect(ntfy?.headers).toMatchObject({ title: 'WARNING FAILING', priority: '4' })
  expect(ntfy?.body).toMatch(/^\/data\/.*a <b> & c @channel/s)
  expect(Buffer.byteLength(ntfy?.body ?? '')).toBeLessThanOrEqual(4096)
  expect(ntfy?.headers['backupd-signature']).toBeUndefined()
})

test('an acknowledged alarm is told again when its time is over', async () => {
  const receiver = await startWebhookReceiver()
  const kit = await start([makeSink(receiver.url)])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  const [{ id } = { id: '' }] = listOpenAlarms(world)
  await acknowledgeAlarm(asAdmin(world), { id, until: kit.clock.now() + 10 * MINUTE, why: 'x' })
  await pass(kit, world, 9 * MINUTE)
  expect(receiver.posts).toHaveLength(1)
  await pass(kit, world, 2 * MINUTE)
  expect(receiver.posts.map(({ body }) => JSON.parse(body).event)).toEqual(['RAISED', 'UNACKNOWLEDGED'])
})

test('a test goes to one sink, also while it is quiet; an unknown sink is refused', async () => {
  const receiver = await startWebhookReceiver()
  const quietHours = { from: 0, to: 24 * 60 - 1, zone: 'UTC' }
  const kit = await start([makeSink(receiver.url, { quietHours })])
  const { world } = kit
  const sent = await testNotification(asAdmin(world), 'pager')
  await turn(world)
  expect(receiver.posts.map(({ body }) => JSON.parse(body))).toMatchObject([{ event: 'TEST', alarm: null }])
  await turn(world)
  expect(await list(world)).toMatchObject([{ event: 'TEST', state: 'SENT' }])
  expect(sent).toMatchObject({ event: 'TEST', state: 'WAITING' })
  expect(await testNotification(asAdmin(world), 'nobody')).toMatchObject({
    refused: 'NOT_FOUND',
    message: 'There is no sink "nobody": the settings name "pager"',
  })
})

test('what waits for a sink that leaves the settings is dropped, and what waits for a day is given up', async () => {
  const kit = await start([
    makeSink('http://127.0.0.1:1/'),
    makeSink('http://127.0.0.1:1/', { name: 'other' }),
  ])
  const { world } = kit
  await fail(kit, world, 'shop')
  await pass(kit, world, 2 * MINUTE)
  use(world, [makeSink('http://127.0.0.1:1/')])
  await pass(kit, world, 5 * SECOND)
  const states = async () => (await list(world)).map(({ sink, state }) => `${sink} ${state}`).sort()
  expect(await states()).toEqual(['other DROPPED', 'pager WAITING'])
  kit.clock.move(25 * HOUR)
  await turn(world)
  await turn(world)
  expect(await states()).toContain('pager FAILED')
})

test('a ping goes out each minute while the controller works, and its failure form says what is wrong', async () => {
  const receiver = await startWebhookReceiver()
  const kit = await start([])
  const { world } = kit
  const ping = { url: receiver.url, failUrl: `${receiver.url}/fail` }
  const dead = makeSink('http://127.0.0.1:1/')
  acceptSettings(world, { kind: 'settings', settings: { sinks: [dead], ping } })
  const takePings = () => receiver.posts.splice(0).map(({ path, body }) => `${path} ${body}`)
  await pass(kit, world, 3 * MINUTE)
  expect(takePings()).toEqual(['/hook ok', '/hook ok', '/hook ok'])

  const { saveRules } = world.ports.alarms
  world.ports.alarms.saveRules = () => Promise.reject(new Error('the disk is full'))
  await pass(kit, world, MINUTE)
  expect(takePings()).toEqual(['/hook/fail The catalog cannot be written: the disk is full'])
  world.ports.alarms.saveRules = saveRules

  // A daemon that is down is no fault of the controller.
  kit.daemons.at(IP).down = true
  await pass(kit, world, 10 * MINUTE)
  expect(new Set(takePings())).toEqual(new Set(['/hook ok']))
  await pass(kit, world, 70 * MINUTE, 20 * SECOND)
  expect(takePings().at(-1)).toBe('/hook/fail Notifications have not reached the sink "pager" for an hour')
})
