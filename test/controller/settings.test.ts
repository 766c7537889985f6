import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSettingsSource } from '../../src/controller/inventory-source.ts'
import { startAlarming } from '../support/alarming-controller.ts'
import { keepingLog } from '../support/keeping-log.ts'
import { askGraphQL, startTestController, testFolder } from '../support/real-controller.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { hurry } from '../support/skipping-clock.ts'
import { startWebhookReceiver } from '../support/webhook-receiver.ts'

const HEALTH = '{ health { controller { states because } } }'
const LIST = '{ notifications { totalCount nodes { sink event state answer alarm { kind } } } }'

const STATES = '{ notifications { nodes { id state attempts } } }'

interface Sent {
  id: string
  state: string
  attempts: number
}

async function writeSettings(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

test('an alarm reaches the sink of the settings; a broken edit changes nothing, and a good one is taken over', async () => {
  const folder = await testFolder()
  const [receiver, file] = [await startWebhookReceiver(), join(folder, 'settings.yaml')]
  await writeSettings(
    file,
    `notify: { sinks: [{ name: one, webhook: { url: "${receiver.url}" }, match: { kind: SILENT } }] }\n`,
  )
  const settings = createSettingsSource(file, keepingLog())
  const { clock, daemon, controller } = await startAlarming(folder, { settings })
  const { url } = controller
  const ask = async (query: string) => (await askGraphQL(url, query)).data

  await writeSettings(file, 'notify: { sinks: 3 }\n')
  const broken = `The settings ${file} cannot be used: line 1, column 18: a list belongs here`
  await expect
    .poll(() => ask(HEALTH), { timeout: 20_000 })
    .toMatchObject({
      health: { controller: { states: ['DEGRADED'], because: [expect.stringContaining(broken)] } },
    })
  await daemon.close()
  await hurry(clock, expect.poll(() => receiver.posts.length, { timeout: 60_000 }).toBe(1))
  expect(JSON.parse(receiver.posts[0]?.body ?? '')).toMatchObject({
    event: 'RAISED',
    alarm: { kind: 'SILENT' },
  })
  await expect
    .poll(() => ask(LIST), { timeout: 20_000 })
    .toMatchObject({
      notifications: { nodes: [{ sink: 'one', event: 'RAISED', state: 'SENT', answer: 'HTTP 200' }] },
    })

  await writeSettings(file, `notify: { sinks: [{ name: two, webhook: { url: "${receiver.url}/two" } }] }\n`)
  await expect
    .poll(() => ask('{ audit(filter: { verb: "useSettings" }) { nodes { facts } } }'), { timeout: 20_000 })
    .toEqual({
      audit: {
        nodes: [
          {
            facts: {
              sinks: [{ name: 'two', channel: 'webhook' }],
              ping: false,
              changed: ['one', 'two'],
              pingChanged: false,
            },
          },
          {
            facts: {
              sinks: [{ name: 'one', channel: 'webhook', kinds: ['SILENT'] }],
              ping: false,
              changed: ['one'],
              pingChanged: false,
            },
          },
        ],
      },
    })
  await expect
    .poll(() => ask(HEALTH), { timeout: 20_000 })
    .toMatchObject({ health: { controller: { states: ['OK'] } } })
  const tested = await runQuietly('notification', 'test', 'two', '--url', url)
  expect(tested).toMatchObject({ code: 0, out: expect.stringContaining('A test for "two" is on its way') })
  await expect
    .poll(() => receiver.posts.map(({ path }) => path), { timeout: 20_000 })
    .toEqual(['/hook', '/hook/two'])
  const listed = async () => (await runQuietly('notification', 'list', '--url', url)).out
  await expect
    .poll(listed, { timeout: 20_000 })
    .toMatch(/two +TEST +SENT +1 +HTTP 200\n.* one +RAISED +SILENT +SENT/)
  expect(await runQuietly('notification', 'test', 'one', '--url', url)).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no sink "one": the settings name "two"'),
  })
})

test('a controller that is started again during an outage of a sink sends what waits, once', async () => {
  const folder = await testFolder()
  const [receiver, file] = [await startWebhookReceiver(), join(folder, 'settings.yaml')]
  await receiver.stop()
  const sink = `{ name: one, webhook: { url: "${receiver.url}" }, match: { kind: SILENT } }`
  await writeSettings(file, `notify: { sinks: [${sink}] }\n`)
  const settings = createSettingsSource(file, keepingLog())
  const { clock, daemon, controller, restart } = await startAlarming(folder, { settings })
  const listStates = async (url: string) => {
    const { data } = await askGraphQL<{ notifications: { nodes: Sent[] } }>(url, STATES)
    return data?.notifications.nodes.map(({ id, state, attempts }) => [id, state, attempts > 0])
  }
  await daemon.close()
  const waits = [[expect.any(String), 'WAITING', true]]
  await hurry(clock, expect.poll(() => listStates(controller.url), { timeout: 60_000 }).toEqual(waits))
  const [[id] = []] = (await listStates(controller.url)) ?? []
  await controller.close()

  const again = await restart()
  expect(await listStates(again.url)).toEqual([[id, 'WAITING', true]])
  await receiver.restart()
  const isSent = expect.poll(() => listStates(again.url), { timeout: 60_000 }).toEqual([[id, 'SENT', true]])
  await hurry(clock, isSent)
  expect(receiver.posts.map(({ body }) => JSON.parse(body).id)).toEqual([id])
})

test('a controller does not start with broken settings', async () => {
  const folder = await testFolder()
  const file = join(folder, 'settings.yaml')
  await writeFile(file, 'x: 1\n')
  const start = (path: string) =>
    startTestController({ folder, settings: createSettingsSource(path, keepingLog()) })
  await expect(start(file)).rejects.toThrow(
    `The settings ${file} cannot be used: line 1, column 1: this is not known here`,
  )
  await expect(start(join(folder, 'none'))).rejects.toThrow(
    `The settings ${join(folder, 'none')} does not exist`,
  )
})
