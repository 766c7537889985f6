import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createLainlet } from '../../src/fleet/lainlet.ts'
import { systemClock } from '../../src/lib/clock.ts'
import {
  BackupsDocument,
  JobsDocument,
  RecordDocument,
  RunJobDocument,
} from '../support/client/generated/operations.ts'
import { type Lainlet, startLainlet } from '../support/lainlet.ts'
import { askGraphQL, startTestController, startTestDaemon, testFolder } from '../support/real-controller.ts'
import { silentLog } from '../support/silent-log.ts'

const IP = '127.0.0.1'

function podOf(backup: object[], InstanceNo = 1) {
  const Containers = [{ Id: 'c1', Ip: '172.20.0.11', NodeIp: IP, NodeName: 'node1' }]
  return { Annotation: JSON.stringify({ backup }), Containers, InstanceNo }
}

const DB = { procname: 'hello.web.web', volume: '/data/db', schedule: '0 5 * * *', expire: '30d' }

/** A controller that is told by lainlet, and a daemon; both real. */
async function start() {
  const folder = await testFolder()
  const volume = join(folder, 'volumes/hello/hello.web.web/1/data/db')
  await mkdir(volume, { recursive: true })
  await writeFile(join(volume, 'a.txt'), 'one')
  const daemon = await startTestDaemon(folder, IP)
  const lainlet = await startLainlet({ 'hello.web.web': [podOf([DB])] })
  onTestFinished(() => lainlet.close())
  const controllerOf = (from: Lainlet) =>
    startTestController({
      folder,
      daemonUrls: { [IP]: daemon.url },
      inventory: createLainlet({
        clock: systemClock,
        address: from.address,
        log: silentLog,
        heartbeatSeconds: 1,
      }),
    })
  return { lainlet, controllerOf }
}

const INVENTORY = '{ inventory { volumes servers problem faults held { lostVolumes } } }'

async function inventoryOf(url: string) {
  const { data } = await askGraphQL<{ inventory: object }>(url, INVENTORY)
  return data?.inventory
}

test('the inventory of lainlet is backed up, faulty pods are named, and an outage ends nothing', async () => {
  const { lainlet, controllerOf } = await start()
  const controller = await controllerOf(lainlet)
  const { execute, url } = controller
  const job = async () => (await execute(JobsDocument, { filter: { action: 'backup' } })).jobs[0]
  await expect.poll(async () => (await job())?.nextRun, { timeout: 30_000 }).toBeTruthy()
  const { runJob } = await execute(RunJobDocument, { id: (await job())?.id ?? '' })
  const state = async () => (await execute(RecordDocument, { rid: runJob.rid })).record?.state
  await expect.poll(state, { timeout: 30_000 }).toBe('SUCCESS')
  expect((await execute(BackupsDocument, {})).backups.totalCount).toBe(1)

  const broken = { ...podOf([DB], 2), Annotation: '{' }
  lainlet.tell({ 'hello.web.web': [podOf([DB]), broken] })
  const faults = [expect.stringMatching(/^The pod of hello.web.web, instance 2, is left out: its annotation/)]
  await expect.poll(() => inventoryOf(url)).toMatchObject({ volumes: 1, problem: null, faults })

  lainlet.tell({})
  await expect.poll(() => inventoryOf(url)).toMatchObject({ volumes: 1, held: { lostVolumes: 1 } })

  await lainlet.close()
  await expect
    .poll(() => inventoryOf(url), { timeout: 30_000 })
    .toMatchObject({
      volumes: 1,
      problem: expect.stringContaining(`Cannot read the inventory from lainlet at ${lainlet.address}`),
    })
  await controller.close()

  const again = await controllerOf(lainlet)
  expect(await inventoryOf(again.url)).toMatchObject({
    volumes: 1,
    servers: 1,
    problem: expect.stringContaining(': connect ECONNREFUSED'),
  })
  const back = await startLainlet({ 'hello.web.web': [podOf([DB])] }, { port: lainlet.port })
  onTestFinished(() => back.close())
  await expect
    .poll(() => inventoryOf(again.url), { timeout: 30_000 })
    .toEqual({ volumes: 1, servers: 1, problem: null, faults: [], held: null })
})
