import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSwift } from '../support/describe-swift.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { given } from '../support/given.ts'

const LARGE = randomBytes(100_000_000)
const FIRST_DATA = { full: /^PUT .*partNumber=1/, increment: /^PUT .*\/repo\/data\// }
const PHASE = '{ jobs(filter: { action: "backup" }) { lastRecord { state progress { phase } } } }'

describeSwift('a real Swift that is killed during a backup and started again', (place) => {
  test.each(['full', 'increment'] as const)(
    'delays a %s backup, which ends well and comes back whole',
    async (mode) => {
      const proxy = await startFaultProxy(place.swift.endpoint)
      const store = { ...(await place.swift.newStore()), endpoint: proxy.endpoint }
      const { ask, backUp, recover, volume } = await given
        .app('shop')
        .proc('web')
        .volume('/data/db')
        .files({ 'large.bin': LARGE })
        .schedule({ mode, expire: '30d' })
        .running({ store })
      const running = backUp()
      const hasSentData = () => proxy.requests.some((request) => FIRST_DATA[mode].test(request))
      await expect.poll(hasSentData, { timeout: 60_000, interval: 10 }).toBe(true)
      await place.swift.stop()
      const shown = { state: 'RUNNING', progress: { phase: 'wait-store' } }
      await expect
        .poll(() => ask(PHASE), { timeout: 60_000, interval: 500 })
        .toEqual({ jobs: [{ lastRecord: shown }] })
      await place.swift.start()
      const { state, error, warnings, result } = await running
      expect({ state, error, warnings }).toEqual({ state: 'SUCCESS', error: null, warnings: [] })

      await rm(join(volume, 'large.bin'))
      expect(await recover(result?.backup?.name ?? '')).toMatchObject({ state: 'SUCCESS', warnings: [] })
      expect((await readFile(join(volume, 'large.bin'))).equals(LARGE)).toBe(true)
    },
    300_000,
  )
})
