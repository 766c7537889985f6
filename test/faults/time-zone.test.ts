import { expect, onTestFinished, test } from 'vitest'
import { localZone, setLocalZone } from '../../src/lib/schedule/zone.ts'
import { debugSchema } from '../../src/wire/daemon-api.ts'
import { startTestDaemon } from '../support/daemon-start.ts'

test('a daemon reports its zone and its problems, and uses it for schedules', async () => {
  const before = localZone()
  onTestFinished(() => setLocalZone(before))
  setLocalZone('+05:30')
  await using daemon = await startTestDaemon({ zoneProblem: 'Cannot use the time zone TZ=Europe/Berln' })
  const job = { id: 'a', spec: '0 0 1 1 *', action: 'test', args: {} }
  await daemon.ask('PUT', '/api/v1/cron/jobs', { form: { data: JSON.stringify([job]), version: '1' } })
  const debug = async () => debugSchema.parse((await daemon.ask('GET', '/api/v1/debug')).body)
  await expect.poll(async () => (await debug()).crond_status, { timeout: 50_000 }).toBe('started')
  expect(await debug()).toMatchObject({
    timeZone: '+05:30',
    problems: ['Cannot use the time zone TZ=Europe/Berln'],
  })
  const [listed] = (await daemon.ask('GET', '/api/v1/cron/jobs')).body as { next: string }[]
  expect(new Date(listed?.next ?? '').toISOString().slice(5, 16)).toBe('12-31T18:30')
})
