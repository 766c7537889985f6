import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { askGraphQL } from '../support/real-controller.ts'

const LONG = { timeout: 120_000 }
const shop = given.app('shop').proc('web').volume('/data/db').files({ file: 'content' })
const LOG = `query ($rid: ID!, $first: Int, $after: String) { record(rid: $rid) { state start end log(first: $first, after: $after) {
  nodes { number at level text } pageInfo { hasNextPage endCursor } totalCount } } }`

interface Told {
  record: {
    state: string
    start: string
    end: string
    log: {
      nodes: { number: number; at: string; level: string; text: string }[]
      pageInfo: { hasNextPage: boolean; endCursor: string | null }
      totalCount: number | null
    } | null
  }
}

test('the log of a run is read in pages, from its daemon', LONG, async () => {
  const { ask, backUp, volume, url, daemon } = await shop.running()
  rmSync(volume, { recursive: true })
  const { rid, reason } = await backUp()
  const read = async (more: object = {}) => (await ask<Told>(LOG, { rid, ...more })).record
  const { start, end, log } = await read()
  expect(log).toEqual({
    nodes: [
      { number: 1, at: start, level: 'INFO', text: 'running' },
      { number: 2, at: end, level: 'ERROR', text: `failed: ${reason}` },
    ],
    pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
    totalCount: 2,
  })
  const first = (await read({ first: 1 })).log
  expect(first).toMatchObject({ nodes: [{ number: 1 }], pageInfo: { hasNextPage: true }, totalCount: null })
  const second = (await read({ first: 1, after: first?.pageInfo.endCursor })).log
  expect(second).toMatchObject({ nodes: [{ number: 2 }], pageInfo: { hasNextPage: false } })
  for (const wrong of [{ after: 'x' }, { first: 501 }, { first: 0 }]) {
    const { errors } = await askGraphQL<Told>(url, LOG, { rid, ...wrong })
    expect(errors?.[0]?.extensions.code).toBe('BAD_INPUT')
  }

  await daemon.close()
  const { data, errors } = await askGraphQL<Told>(url, LOG, { rid })
  expect(data?.record).toMatchObject({ state: 'FAILED', log: null })
  expect(errors?.[0]?.extensions.code).toBe('DAEMON_UNREACHABLE')
})
