import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import {
  askGraphQL,
  startTestController,
  startTestDaemon,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const IP = '127.0.0.1'
const HEALTH = '{ volumes { nodes { health { state states because since } } } }'

interface Answer {
  volumes: { nodes: { health: { state: string; states: string[]; because: string } }[] }
}

test('a daemon that dies makes its volume overdue, although it never answers again', async () => {
  const folder = await testFolder()
  mkdirSync(join(folder, 'volumes/hello/hello.web.web/1/data/db'), { recursive: true })
  const daemon = await startTestDaemon(folder)
  const everySecond = given
    .app('hello')
    .proc('web')
    .on(IP)
    .volume('/data/db')
    .schedule({ spec: '* * * * * *' })
  const { url } = await startTestController({
    folder,
    inventory: toldInventory(everySecond.inventory()),
    daemonUrls: { [IP]: daemon.url },
    overdueGraceMs: 3000,
  })
  const read = async () => (await askGraphQL<Answer>(url, HEALTH)).data?.volumes.nodes[0]?.health
  await expect.poll(read, { timeout: 30_000 }).toMatchObject({ state: 'OK' })
  await daemon.close()
  await expect.poll(read, { timeout: 30_000 }).toMatchObject({
    state: 'OVERDUE',
    because: expect.stringMatching(
      /has not ended; its last run .*The daemon on 127\.0\.0\.1 last answered at/,
    ),
  })
})
