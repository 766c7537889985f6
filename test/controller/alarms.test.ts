import { expect, test } from 'vitest'
import { startAlarming } from '../support/alarming-controller.ts'
import { askGraphQL, socketClient, testFolder } from '../support/real-controller.ts'
import { hurry } from '../support/skipping-clock.ts'

const IP = '127.0.0.1'
const FIELDS = 'id kind severity clearedAt message target { type server { ip } } acknowledged { by why }'
const WATCH = `subscription ($since: Int) { alarmUpdated(since: $since) { seq kind alarm { ${FIELDS} } } }`

interface Told {
  seq: number
  kind: string
  alarm: { id: string; kind: string; clearedAt: string | null; acknowledged: { why: string } | null }
}

function watch(url: string, variables: { since?: number } = {}) {
  const client = socketClient(url)
  const events = client.iterate<{ alarmUpdated: Told }>({ query: WATCH, variables })
  const next = async (): Promise<Told> => {
    const { data, errors } = (await events.next()).value
    if (errors) throw new Error(JSON.stringify(errors))
    return data.alarmUpdated
  }
  return { next, stop: () => client.dispose() }
}

test('a daemon that ends is an alarm to those who watch, also after a restart of the controller', async () => {
  const { clock, daemon, controller, restart } = await startAlarming(await testFolder())
  const first = watch(controller.url)
  await daemon.close()
  const raised = await hurry(clock, first.next())
  expect(raised).toMatchObject({
    seq: 1,
    kind: 'CHANGE',
    alarm: {
      ...{ kind: 'SILENT', severity: 'CRITICAL', clearedAt: null, acknowledged: null },
      target: { type: 'SERVER', server: { ip: IP } },
      message: expect.stringMatching(/^127\.0\.0\.1: Its daemon (last answered at|has never answered)/),
    },
  })
  const { id } = raised.alarm
  const until = new Date(clock.now() + 3_600_000).toISOString()
  const acknowledged = await askGraphQL(
    controller.url,
    'mutation ($id: ID!, $until: DateTime!) { acknowledgeAlarm(id: $id, until: $until, why: "new disk") { id } }',
    { id, until },
  )
  expect(acknowledged.data).toEqual({ acknowledgeAlarm: { id } })
  expect(await first.next()).toMatchObject({ seq: 2, alarm: { id, acknowledged: { why: 'new disk' } } })
  await first.stop()
  await controller.close()

  const again = await restart()
  const present = watch(again.url)
  expect(await present.next()).toMatchObject({ seq: 2, kind: 'SNAPSHOT', alarm: { id } })
  const missed = watch(again.url, { since: 1 })
  expect(await missed.next()).toMatchObject({ seq: 2, kind: 'CHANGE', alarm: { id } })
  await expect(watch(again.url, { since: 99 }).next()).rejects.toThrow('EVENTS_GONE')
  const query = `{ alarms(filter: { open: true }) { totalCount nodes { ${FIELDS} action } } }`
  expect((await askGraphQL(again.url, query)).data).toMatchObject({
    alarms: { totalCount: 1, nodes: [{ id, action: expect.stringContaining('Check the machine') }] },
  })
  await present.stop()
  await missed.stop()
})
