import { expect, test } from 'vitest'
import { REST_ROUTES } from '../../src/rest-compat/routes.ts'
import { recordedExchanges } from '../support/recorded-cluster.ts'

test('the table of legacy URLs is complete', () => {
  const lines = REST_ROUTES.map(
    ({ method, path, operation }) => `${method.padEnd(4)} ${path.padEnd(74)} ${operation}`,
  )
  console.log(lines.join('\n'))
  expect(new Set(lines).size).toBe(lines.length)
  expect(REST_ROUTES.every(({ operation }) => operation !== '')).toBe(true)
})

test('every recorded URL has its row', async () => {
  const recorded = (await recordedExchanges('/data/lain/volumes')).filter(
    ({ path, status }) => path && status !== 404,
  )
  const without = recorded.filter(({ method = '', path = '' }) => !hasRow(method, path))
  expect(without.map(({ name }) => name)).toEqual(['v2 system notify bad'])
})

function hasRow(method: string, path: string): boolean {
  const [asked = ''] = path.split('?')
  return REST_ROUTES.some((row) => {
    const pattern = row.path.split('?')[0]?.replaceAll(/:\w+/g, '[^/]+').replace('*', '.+')
    return row.method === method && new RegExp(`^${pattern}$`).test(asked)
  })
}
