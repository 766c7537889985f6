import { expect, test, vi } from 'vitest'
import { ReceivedApps } from '../../src/fleet/inventory-parts.ts'
import { readInProcess } from '../../src/fleet/inventory-process.ts'
import { readInventory } from '../../src/fleet/read-inventory.ts'

const appsOf = (count: number) =>
  Array.from(
    { length: count },
    (_, n) => `  app${n}: { web: { on: [10.0.0.1], volumes: { /db: {} } } }\n`,
  ).join('')
const textOf = (apps: string) => ({ text: `apps:\n${apps}`, file: 'inventory.yaml', localIp: '10.0.0.1' })

test('all apps of a large inventory arrive, in their order', async () => {
  const parts = await readInProcess({ text: textOf(appsOf(1203)), known: [] })
  const news = await new ReceivedApps().join(parts)
  const names = news.kind === 'inventory' ? news.inventory.apps.map(({ name }) => name) : []
  expect(names).toEqual(Array.from({ length: 1203 }, (_, n) => `app${n}`))
})

test('an app with most volumes of a fleet arrives in pieces, between small ones', async () => {
  const volumes = Array.from({ length: 1500 }, (_, n) => `/data/${n}: {}`).join(', ')
  const text = textOf(
    `${appsOf(2)}  big: { web: { on: [10.0.0.1, 10.0.0.2], volumes: { ${volumes} } } }\n  end: {}\n`,
  )
  const parts = await readInProcess({ text, known: [] })
  const pieces = parts.kind === 'inventory' ? parts.apps.map((part) => part.pieces?.length ?? 0) : []
  expect(pieces).toEqual([1, 1, 7])
  expect(await new ReceivedApps().join(parts)).toEqual(readInventory(text))
})

test('a broken inventory arrives as such', async () => {
  const parts = await readInProcess({ text: textOf('  app: 7\n'), known: [] })
  expect(parts).toMatchObject({ kind: 'broken', problem: expect.stringContaining('inventory.yaml') })
})

test('if the process dies, the reason is told and nothing counts as an inventory', async () => {
  vi.stubEnv('NODE_OPTIONS', '--import=data:text/javascript,process.exit(7)')
  const reading = readInProcess({ text: textOf(appsOf(3)), known: [] })
  await expect(reading).rejects.toThrow('its process ended without a result (exit code 7)')
  vi.unstubAllEnvs()
})
