import { expect, test } from 'vitest'
import { startAlarming, watchAlarms } from '../support/alarming-controller.ts'
import { askGraphQL, testFolder } from '../support/real-controller.ts'
import { hurry } from '../support/skipping-clock.ts'

const IP = '127.0.0.1'
const FIELDS = 'id kind severity clearedAt message target { type server { ip } } acknowledged { by why }'
const watch = (url: string, variables: { since?: number } = {}) => watchAlarms(url, FIELDS, variables)

test('a daemon that ends is an alarm to those who watch, also after a restart of the controller', async () => {
  const { clock, daemon, controller, restart } = await startAlarming(await testFolder())
  const first = watch(controller.url)
  await daemon.close()
  const raised = await hurry(clock, first.nextOf('SILENT'))
  expect(raised).toMatchObject({
    kind: 'CHANGE',
    alarm: {
      ...{ kind: 'SILENT', severity: 'CRITICAL', clearedAt: null, acknowledged: null },
      target: { type: 'SERVER', server: { ip: IP } },
      message: expect.stringMatching(/^127\.0\.0\.1: Its daemon (last answered at|has never answered)/),
    },
  })
  const { seq, alarm } = raised
  const { id } = alarm
  const until = new Date(clock.now() + 3_600_000).toISOString()
  const acknowledged = await askGraphQL(
    controller.url,
    'mutation ($id: ID!, $until: DateTime!) { acknowledgeAlarm(id: $id, until: $until, why: "new disk") { id } }',
    { id, until },
  )
  expect(acknowledged.data).toEqual({ acknowledgeAlarm: { id } })
  const changed = await first.nextOf('SILENT')
  expect(changed).toMatchObject({ alarm: { id, acknowledged: { why: 'new disk' } } })
  expect(changed.seq).toBeGreaterThan(seq)
  await first.stop()
  await controller.close()

  const again = await restart()
  const present = watch(again.url)
  expect(await present.nextOf('SILENT')).toMatchObject({ seq: changed.seq, kind: 'SNAPSHOT', alarm: { id } })
  const missed = watch(again.url, { since: seq })
  expect(await missed.nextOf('SILENT')).toMatchObject({ seq: changed.seq, kind: 'CHANGE', alarm: { id } })
  await expect(watch(again.url, { since: 99 }).next()).rejects.toThrow('EVENTS_GONE')
  const query = `{ alarms(filter: { open: true }) { nodes { ${FIELDS} action } } }`
  expect((await askGraphQL(again.url, query)).data).toMatchObject({
    alarms: {
      nodes: expect.arrayContaining([
        expect.objectContaining({ id, action: expect.stringContaining('Check the machine') }),
      ]),
    },
  })
  await present.stop()
  await missed.stop()
})
