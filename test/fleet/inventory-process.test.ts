import { expect, test, vi } from 'vitest'
import { readInProcess } from '../../src/fleet/inventory-process.ts'

const appsOf = (count: number) =>
  Array.from(
    { length: count },
    (_, n) => `  app${n}: { web: { on: [10.0.0.1], volumes: { /db: {} } } }\n`,
  ).join('')
const textOf = (apps: string) => ({ text: `apps:\n${apps}`, file: 'inventory.yaml', localIp: '10.0.0.1' })

test('all apps of a large inventory arrive, in their order', async () => {
  const parts = await readInProcess({ text: textOf(appsOf(1203)), known: [] })
  const names = parts.kind === 'inventory' ? parts.apps.map(({ json }) => JSON.parse(json ?? '{}').name) : []
  expect(names).toEqual(Array.from({ length: 1203 }, (_, n) => `app${n}`))
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
