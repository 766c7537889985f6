import { expect, test } from 'vitest'
import { ridOf, sampleProgress, sampleRecord } from '../support/catalog-samples.ts'
import { given } from '../support/given.ts'
import { socketClient, startTestController, testFolder, toldInventory } from '../support/real-controller.ts'

const WATCH = `subscription ($rid: ID, $app: ID, $since: Int) { recordUpdated(rid: $rid, app: $app, since: $since) {
  seq kind record { rid state progress { bytesDone } job { id lastRecord { rid } } } } }`

interface Told {
  seq: number
  kind: string
  record: { rid: string; state: string; progress: { bytesDone: number } | null }
}

async function start() {
  const inventory = toldInventory(
    given.app('hello').proc('web').on('10.0.0.1').volume('/data/db').inventory(),
  )
  const controller = await startTestController({ folder: await testFolder(), inventory })
  const tell = async (...records: object[]) => {
    const body = JSON.stringify({ protocol: 2, daemonId: 'x', server: '10.0.0.1', records, running: [] })
    const headers = { 'content-type': 'application/json' }
    await fetch(`${controller.url}/api/v2/system/notify`, { method: 'POST', headers, body })
  }
  const watch = (variables: Record<string, unknown> = {}) => {
    const client = socketClient(controller.url)
    const events = client.iterate<{ recordUpdated: Told }>({ query: WATCH, variables })
    const next = async () => {
      const { data, errors } = (await events.next()).value
      if (errors) throw new Error(JSON.stringify(errors))
      return data.recordUpdated as Told
    }
    return { next, stop: () => client.dispose() }
  }
  return { ...controller, tell, watch }
}

const running = sampleRecord()
const at = (seq: number) => ({ ...running, seq, progress: sampleProgress(seq) })
const done = sampleRecord({ seq: 99, state: 'success', end: '2026-11-23T08:45:00Z' })

test('each of many clients gets a snapshot, then every change', async () => {
  const { tell, watch } = await start()
  await tell(running)
  const clients = Array.from({ length: 20 }, () => watch({ rid: running.rid }))
  for (const { next } of clients)
    expect(await next()).toMatchObject({ kind: 'SNAPSHOT', record: { state: 'RUNNING' } })
  await tell(at(2))
  for (const { next } of clients)
    expect(await next()).toMatchObject({ kind: 'CHANGE', record: { progress: { bytesDone: 2 } } })
  await tell(done)
  for (const { next } of clients) expect(await next()).toMatchObject({ record: { state: 'SUCCESS' } })
})

test('a client that lost its connection misses nothing with since', async () => {
  const { tell, watch } = await start()
  await tell(running)
  const first = watch()
  const { seq } = await first.next()
  await first.stop()
  const other = sampleRecord({ rid: ridOf(2), args: { app: 'other' } })
  await tell(other)
  await tell(at(2))
  await tell(done)
  await tell({ ...other, seq: 2, progress: sampleProgress(7) })
  const second = watch({ since: seq })
  const missed = [await second.next(), await second.next(), await second.next()]
  expect(missed.map(({ record }) => [record.rid, record.state, record.progress?.bytesDone])).toEqual([
    [ridOf(2), 'RUNNING', undefined],
    [ridOf(1), 'SUCCESS', undefined],
    [ridOf(2), 'RUNNING', 7],
  ])
  const ofApp = watch({ since: seq, app: 'other' })
  expect(await ofApp.next()).toMatchObject({ record: { rid: ridOf(2) } })
})

test('a client that watches one app gets no events of others', async () => {
  const { tell, watch } = await start()
  await tell(running, sampleRecord({ rid: ridOf(2), args: { app: 'other' } }))
  const { next } = watch({ app: 'other' })
  expect(await next()).toMatchObject({ kind: 'SNAPSHOT', record: { rid: ridOf(2) } })
  await tell(done)
  await tell({ ...done, rid: ridOf(2), args: { app: 'other' } })
  expect(await next()).toMatchObject({ record: { rid: ridOf(2), state: 'SUCCESS' } })
})
