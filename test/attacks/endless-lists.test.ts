import { expect, onTestFinished, test } from 'vitest'
import { createDaemonClient } from '../../src/fleet/daemon-client.ts'
import { MAX_PAGES, PageGuard } from '../../src/wire/page-guard.ts'
import { scriptedDaemon } from '../support/scripted-daemon.ts'
import { silentLog } from '../support/silent-log.ts'

const ENDLESS = /^Cannot read the list of the daemon on 10.77.0.11: it does not end/

test('a list of backups with endless next pages ends with an error', async () => {
  let page = 0
  const daemon = await scriptedDaemon(() => ({ body: { backups: [], next: `page-${page++}` } }))
  const client = createDaemonClient({ addressOf: () => daemon.url, log: silentLog })
  onTestFinished(() => client.close())
  const read = async () => {
    for await (const _ of client.backups('10.77.0.11', '10.77.0.11'));
  }
  await expect(read()).rejects.toMatchObject({
    code: 'DAEMON_REFUSED',
    message: expect.stringMatching(ENDLESS),
  })
  expect(page).toBe(MAX_PAGES)
})

test('a list with the largest number of pages passes, one with one more does not', () => {
  const guard = new PageGuard('10.77.0.11')
  for (let page = 1; page < MAX_PAGES; page++) guard.check(1, String(page))
  guard.check(1, null)
  expect(() => guard.check(1, 'more')).toThrow(ENDLESS)
})

test('a list with the largest number of entries passes, one with one more does not', () => {
  const guard = new PageGuard('10.77.0.11')
  guard.check(999_999, 'a')
  expect(() => guard.check(1, 'b')).toThrow('it has more than 1000000 entries')
})
