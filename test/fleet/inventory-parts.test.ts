import { expect, test } from 'vitest'
import { ReceivedApps, splitInventory } from '../../src/fleet/inventory-parts.ts'
import type { InventoryApp, InventoryNews } from '../../src/wire/inventory.ts'
import { sampleSchedule } from '../support/given/inventory.ts'
import { given } from '../support/given.ts'

function app(name: string, volume: string): InventoryApp[] {
  return given.app(name).proc('web').on('10.0.0.1').volume(volume).inventory().apps
}

function appsOf(news: InventoryNews): InventoryApp[] {
  return news.kind === 'inventory' ? news.inventory.apps : []
}

test('only changed apps are sent, and the others stay the same objects', async () => {
  const received = new ReceivedApps()
  const send = async (apps: InventoryApp[]) => {
    const news = { kind: 'inventory', inventory: { apps } } as const
    const parts = splitInventory({ news, layout: null }, new Set(received.hashes))
    const sent = parts.kind === 'inventory' ? parts.apps.filter(({ pieces }) => pieces !== null) : []
    return { sent: sent.length, apps: appsOf(await received.join(parts)) }
  }
  const shop = app('shop', '/data')
  const first = await send([...app('hello', '/data'), ...shop])
  expect(first).toEqual({ sent: 2, apps: [...app('hello', '/data'), ...shop] })
  const second = await send([...app('hello', '/srv'), ...shop])
  expect(second).toEqual({ sent: 1, apps: [...app('hello', '/srv'), ...shop] })
  expect(second.apps[1]).toBe(first.apps[1])
  // What left is sent again when it comes back.
  await send(shop)
  expect((await send([...app('hello', '/srv'), ...shop])).sent).toBe(1)
})

test('a broken inventory passes as it is, and what was received before stays known', async () => {
  const received = new ReceivedApps()
  const news = { kind: 'inventory', inventory: { apps: app('hello', '/data') } } as const
  await received.join(splitInventory({ news, layout: null }, new Set()))
  const broken = { kind: 'broken', problem: 'line 3' } as const
  expect(
    await received.join(splitInventory({ news: broken, layout: null }, new Set(received.hashes))),
  ).toEqual(broken)
  expect(received.hashes).toHaveLength(1)
})

test('equal volumes and schedules of an app are kept once', async () => {
  const schedules = () => [sampleSchedule()]
  const volume = (name: string) => ({ name, path: null, schedules: schedules() })
  const instance = (no: number) => ({
    no,
    server: `10.0.0.${no}`,
    containers: [],
    volumes: [volume('/data/a'), volume('/data/b')],
  })
  const app = {
    name: 'shop',
    procs: [{ name: 'shop.web.web', shortName: 'web', instances: [instance(1), instance(2)] }],
  }
  const received = new ReceivedApps()
  await received.join(
    splitInventory({ news: { kind: 'inventory', inventory: { apps: [app] } }, layout: null }, new Set()),
  )
  expect(received.apps).toEqual([app])
  const [one, other] = received.apps[0]?.procs[0]?.instances ?? []
  expect(one?.volumes[0]).toBe(other?.volumes[0])
  expect(one?.volumes[1]).not.toBe(one?.volumes[0])
  expect(one?.volumes[1]?.schedules[0]).toBe(one?.volumes[0]?.schedules[0])
})
