import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startAlarming, watchAlarms } from '../support/alarming-controller.ts'
import { testFolder } from '../support/real-controller.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { hurry } from '../support/skipping-clock.ts'
import { startTwoApps } from '../support/two-apps.ts'

/** The alarm about its daemon is raised. */
async function startWithAlarm() {
  const { clock, daemon, controller } = await startAlarming(await testFolder())
  const alarms = watchAlarms(controller.url, 'kind')
  await daemon.close()
  await hurry(clock, alarms.nextOf('SILENT'))
  await alarms.stop()
  return (...argv: string[]) => runQuietly('alarm', ...argv, '--url', controller.url)
}

test('alarms are listed and acknowledged from the command line', async () => {
  const alarm = await startWithAlarm()
  const listed = await alarm('list')
  const silent = /^CRITICAL SILENT since \S+ \((\w{12})\)\n {2}127\.0\.0\.1: Its daemon .*\n {2}Do: /m
  expect(listed).toMatchObject({ code: 0, err: '', out: expect.stringMatching(silent) })
  const id = silent.exec(listed.out)?.[1] ?? ''
  expect(JSON.parse((await alarm('list', '--all', '--json')).out)).toContainEqual(
    expect.objectContaining({ id, kind: 'SILENT' }),
  )
  const done = await alarm('acknowledge', id, '--for', '4h', '--why', 'New disk')
  expect(done).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Acknowledged by graphql \S+ until \S+: New disk/),
  })
  expect((await alarm('list')).out).toContain('New disk')
})

test.each([
  [['acknowledge', 'x', '--why', 'y'], 'There is no alarm "x"'],
  [['acknowledge', 'x', '--why', 'y', '--for', 'soon'], '--for is "soon", expected a time such as 4h'],
])('%j is refused with what is wrong', async (argv, message) => {
  const { url, folder, admin } = await startTwoApps()
  const file = join(folder, 'my-token')
  await writeFile(file, admin)
  const run = (...more: string[]) => runQuietly('alarm', ...more, '--url', url, '--token-file', file)
  expect(await run(...argv)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(message) })
  expect(await run('list')).toMatchObject({ code: 0, out: 'No alarm is open.\n' })
})
