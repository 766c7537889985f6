import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createInventorySource } from '../../src/controller/inventory-source.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { askGraphQL, startTestController, testFolder } from '../support/real-controller.ts'
import { silentLog } from '../support/silent-log.ts'

const GOOD = `apps:
  shop:
    web:
      on: [127.0.0.1]
      volumes:
        /data/db: { path: /srv/db, backup_full: { schedule: "0 5 * * *", expire: 30d } }
`
const EMPTY = 'apps: {}\n'
const TYPO = GOOD.replace('apps:', 'apps')

/** A real controller with an inventory in a file. */
async function withFile() {
  const folder = await testFolder()
  const file = join(folder, 'inventory.yaml')
  const inventory = createInventorySource({
    clock: systemClock,
    from: { file },
    localIp: '127.0.0.1',
    log: silentLog,
  })
  const allowed: string[][] = []
  const start = () => startTestController({ folder, inventory, onPaths: (paths) => void allowed.push(paths) })
  const statusOf = async (url: string) => {
    const query = '{ inventory { volumes problem held { lostVolumes } } }'
    return (await askGraphQL<{ inventory: object }>(url, query)).data?.inventory
  }
  return { file, start, allowed, statusOf, write: (text: string) => writeFile(file, text) }
}

test('a typing error in the repair of a held inventory ends the hold, and the last good one stays', async () => {
  const { start, statusOf, write } = await withFile()
  await write(GOOD)
  const { url } = await start()
  await write(EMPTY)
  await expect.poll(() => statusOf(url), { timeout: 30_000 }).toMatchObject({ held: { lostVolumes: 1 } })
  await write(TYPO)
  await expect
    .poll(() => statusOf(url), { timeout: 30_000 })
    .toMatchObject({ volumes: 1, held: null, problem: expect.stringContaining('inventory.yaml') })
})

test('a held inventory does not remove permissions of volumes in force', async () => {
  const { start, statusOf, write, allowed } = await withFile()
  await write(GOOD)
  const { url } = await start()
  await write(EMPTY)
  await expect.poll(() => statusOf(url), { timeout: 30_000 }).toMatchObject({ held: { lostVolumes: 1 } })
  expect(allowed).toEqual([['/srv/db']])
})

test('with a typing error at the start the last good inventory is in force, with its permissions and a problem', async () => {
  const { start, statusOf, write, allowed } = await withFile()
  await write(GOOD)
  const first = await start()
  await first.close()
  allowed.length = 0
  await write(TYPO)
  const second = await start()
  expect(await statusOf(second.url)).toMatchObject({
    volumes: 1,
    problem: expect.stringContaining('inventory.yaml'),
  })
  expect(allowed).toEqual([['/srv/db']])
  expect(second.log.lines.join()).toContain('The inventory cannot be used; the last good one stays in force')
  await write(GOOD)
  await second.rereadInventory()
  expect(await statusOf(second.url)).toMatchObject({ volumes: 1, problem: null })
})

test('with a typing error at the first start ever the controller reports it and does not start', async () => {
  const { start, write } = await withFile()
  await write(TYPO)
  await expect(start()).rejects.toMatchObject({ code: 'BAD_INPUT' })
})
