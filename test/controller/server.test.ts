import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { InventorySource } from '../../src/domain/ports.ts'
import { bigInventory } from '../support/big-inventory.ts'
import { freePort } from '../support/free-port.ts'
import { given } from '../support/given.ts'
import { rawRequest } from '../support/raw-http.ts'
import {
  askGraphQL,
  socketClient,
  startTestController,
  testFolder,
  toldInventory,
} from '../support/real-controller.ts'

const hello = given.app('hello').proc('web')

test('a port in use gives one clear error, and leaves nothing open', async () => {
  const folder = await testFolder()
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  await expect(startTestController({ folder, port })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: `The controller cannot listen on 127.0.0.1:${port}: the port is in use. Stop what uses it, or choose another address`,
  })
  await new Promise((resolve) => other.close(resolve))
  expect((await startTestController({ folder, port })).url).toBe(`http://127.0.0.1:${port}`)
})

test('files that a killed controller left unfinished are removed at the start', async () => {
  const folder = await testFolder()
  const dataDir = join(folder, 'data')
  await mkdir(dataDir)
  for (const name of ['clock.json.tmp-1', 'inventory.json.tmp-1']) await writeFile(join(dataDir, name), '{')
  await startTestController({ folder, dataDir })
  expect((await readdir(dataDir)).filter((name) => name.endsWith('.tmp-1'))).toEqual([])
})

test('a broken inventory at the start gives one clear error, and leaves nothing open', async () => {
  const folder = await testFolder()
  const port = await freePort()
  const inventory = { watch: () => Promise.reject(new Error('line 3, column 7: no such word')) }
  await expect(startTestController({ folder, port, inventory })).rejects.toThrow(
    'line 3, column 7: no such word',
  )
  await startTestController({ folder, port })
})

test('a second controller on the same data is refused', async () => {
  const folder = await testFolder()
  await startTestController({ folder })
  await expect(startTestController({ folder })).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('closing ends what is open: subscriptions, kept connections, the port', async () => {
  const folder = await testFolder()
  const port = await freePort()
  const first = await startTestController({ folder, port })
  const events = socketClient(first.url).iterate({ query: 'subscription { recordUpdated { seq } }' })
  const ended = events.next().then(
    ({ done }) => done,
    (closed) => closed.code,
  )
  await askGraphQL(first.url, '{ __typename }')
  await first.close()
  expect(await ended).toBe(1001)
  await startTestController({ folder, port })
})

test('health covers the catalog, the inventory and each server, a silent one included', async () => {
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  const health = async () => JSON.parse((await rawRequest(url, { path: '/healthz' })).body)
  await expect.poll(health).toEqual({
    status: 'degraded',
    version: '1.2.3',
    reason: expect.stringMatching(/^127\.0\.0\.1: Cannot reach the daemon on 127\.0\.0\.1/),
    catalog: 'ok',
    inventory: 'ok',
    servers: [{ ip: '127.0.0.1', reachable: false, lastSeen: null }],
  })
  inventory.tell({ kind: 'broken', problem: 'line 1' })
  await expect.poll(health).toMatchObject({
    status: 'degraded',
    inventory: 'line 1',
    reason: expect.stringContaining('The inventory: line 1'),
  })
})

test('health is not ok before the first inventory', async () => {
  const inventory = { watch: async () => ({ reread: async () => {}, close: async () => {} }) }
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  const { body } = await rawRequest(url, { path: '/healthz' })
  expect(JSON.parse(body)).toMatchObject({ inventory: expect.stringMatching(/^No inventory has been read/) })
  const { data } = await askGraphQL(url, '{ inventory { problem } }')
  expect(data).toEqual({ inventory: { problem: JSON.parse(body).inventory } })
})

test('a broken edit is shown in GraphQL, and the last good inventory stays', async () => {
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  const { url } = await startTestController({ folder: await testFolder(), inventory })
  const status = () =>
    askGraphQL(url, '{ inventory { volumes problem faults held { lostVolumes } } apps { name } }')
  inventory.tell({ kind: 'broken', problem: 'line 1, column 2: what' })
  await expect
    .poll(async () => (await status()).data)
    .toEqual({
      inventory: { volumes: 1, problem: 'line 1, column 2: what', faults: [], held: null },
      apps: [{ name: 'hello' }],
    })
  inventory.tell({ kind: 'inventory', inventory: { apps: [] } })
  await expect
    .poll(async () => (await status()).data)
    .toMatchObject({
      inventory: { volumes: 1, problem: null, held: { lostVolumes: 1 } },
    })
})

test('an inventory that cannot be applied is logged, and the next one is applied', async () => {
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  const { url, log } = await startTestController({ folder: await testFolder(), inventory })
  inventory.tell({ kind: 'inventory', inventory: { apps: null as never } })
  await expect.poll(() => log.lines.join('\n')).toContain('A new inventory could not be applied')
  inventory.tell({
    kind: 'inventory',
    inventory: hello.on('127.0.0.1', '127.0.0.2').volume('/data/db').inventory(),
  })
  await expect
    .poll(async () => (await askGraphQL(url, '{ inventory { volumes } }')).data)
    .toEqual({ inventory: { volumes: 2 } })
})

test('an inventory that was read again on request is in force when the request ends', async () => {
  // So large that its plan is made in several slices.
  const large = bigInventory({ apps: 20, instances: 20, volumes: 20, servers: 10 })
  const inventory: InventorySource = {
    async watch(onNews) {
      onNews({ kind: 'inventory', inventory: { apps: large.apps.slice(0, 1) } })
      const reread = async () => onNews({ kind: 'inventory', inventory: large })
      return { reread, close: async () => {} }
    },
  }
  const counts: number[] = []
  const onPaths = (paths: string[]) => void counts.push(paths.length)
  const { rereadInventory } = await startTestController({ folder: await testFolder(), inventory, onPaths })
  expect(counts).toEqual([400])
  await rereadInventory()
  expect(counts).toEqual([400, 8000])
})

test('an inventory that was emptied while the controller was down is held', async () => {
  const folder = await testFolder()
  const first = await startTestController({
    folder,
    inventory: toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory()),
  })
  await first.close()
  const { url } = await startTestController({ folder, inventory: toldInventory({ apps: [] }) })
  const { data } = await askGraphQL(url, '{ inventory { volumes held { lostVolumes ofVolumes } } }')
  expect(data).toEqual({ inventory: { volumes: 1, held: { lostVolumes: 1, ofVolumes: 1 } } })
})

test('a restarted controller listens with the last inventory before its source has answered', async () => {
  const folder = await testFolder()
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  await (await startTestController({ folder, inventory })).close()
  const listening = Promise.withResolvers<string>()
  const answer = Promise.withResolvers<void>()
  const slow: InventorySource = {
    watch: async (...listener) => {
      await answer.promise
      return inventory.watch(...listener)
    },
  }
  const starting = startTestController({ folder, inventory: slow, onListening: listening.resolve })
  const { data } = await askGraphQL(await listening.promise, '{ inventory { volumes } }')
  expect(data).toEqual({ inventory: { volumes: 1 } })
  answer.resolve()
  await starting
})

test('a restarted controller that is stopped while its source is read asks no daemon', async () => {
  const folder = await testFolder()
  const inventory = toldInventory(hello.on('127.0.0.1').volume('/data/db').inventory())
  await (await startTestController({ folder, inventory })).close()
  const stop = new AbortController()
  const silent: InventorySource = {
    async watch(_, { stop: stopped = new AbortController().signal }) {
      if (!stopped.aborted) await once(stopped, 'abort')
      return { reread: async () => {}, close: async () => {} }
    },
  }
  const asked = new Set<string>()
  const addressOf = (ip: string) => {
    asked.add(ip)
    return 'http://127.0.0.1:1'
  }
  const onListening = () => stop.abort()
  const controller = await startTestController({
    folder,
    inventory: silent,
    addressOf,
    onListening,
    stop: stop.signal,
  })
  await controller.close()
  expect([...asked]).toEqual([])
})

test('a new controller listens only with an inventory', async () => {
  const order: string[] = []
  const inventory: InventorySource = {
    watch: async (...listener) => {
      order.push('inventory')
      return toldInventory({ apps: [] }).watch(...listener)
    },
  }
  const onListening = () => void order.push('listening')
  await startTestController({ folder: await testFolder(), inventory, onListening })
  expect(order).toEqual(['inventory', 'listening'])
})

test('browsers get the IDE at /graphql, and its files only below /ide/', async () => {
  const folder = await testFolder()
  const webDir = join(folder, 'web')
  await mkdir(join(webDir, 'assets'), { recursive: true })
  await writeFile(join(webDir, 'index.html'), '<p>the IDE</p>')
  await writeFile(join(webDir, 'assets/ide.js'), 'run()')
  await writeFile(join(folder, 'secret'), 'secret')
  const { url } = await startTestController({ folder, webDir })
  const html = { accept: 'text/html,application/xhtml+xml' }
  expect(await rawRequest(url, { path: '/graphql', headers: html })).toMatchObject({
    status: 200,
    body: '<p>the IDE</p>',
    headers: { 'content-type': 'text/html; charset=utf-8', 'x-frame-options': 'DENY' },
  })
  expect(await rawRequest(url, { path: '/ide/assets/ide.js' })).toMatchObject({
    body: 'run()',
    headers: { 'content-type': 'text/javascript; charset=utf-8', 'x-content-type-options': 'nosniff' },
  })
  for (const path of [
    '/ide/../secret',
    '/ide/%2e%2e/secret',
    '/ide/..%2fsecret',
    '/ide/assets',
    '/ide/%00',
  ]) {
    expect((await rawRequest(url, { path })).body).not.toContain('secret')
  }
  expect(
    await rawRequest(url, { path: '/graphql', headers: { ...html, host: 'evil.example' } }),
  ).toMatchObject({ status: 403 })
})
