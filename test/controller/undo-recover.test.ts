import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { given } from '../support/given.ts'
import { askGraphQL } from '../support/real-controller.ts'

const LONG = { timeout: 90_000 }
const shop = given.app('shop').proc('web').volume('/data/db').files({ file: 'content' }).withBackups(1)

const RECOVER = 'mutation ($input: RecoverInput!) { recover(input: $input) { rid } }'
const UNDO = `mutation ($rid: ID!, $plan: Boolean, $planHash: String) {
  undoRecover(rid: $rid, plan: $plan, planHash: $planHash) { rid } }`
const DROP = 'mutation ($rid: ID!) { dropKeptOld(rid: $rid) { rid } }'
const KEPT = '{ volumes { nodes { keptOld { rid made until bytes files } } } }'
const RECORD =
  'query ($rid: ID!) { record(rid: $rid) { state reason result { plan { create overwrite delete planHash } } } }'

interface Shown {
  state: string
  reason: string | null
  result: { plan: { create: number; overwrite: number; delete: number; planHash: string } | null } | null
}
type Kept = { rid: string; files: number; made: string; until: string } | null

async function start() {
  const running = await shop.running()
  const input = { app: 'shop', proc: 'web', backup: running.backups[0] }
  const run = async (document: string, variables: object) => {
    const { data, errors } = await askGraphQL<Record<string, { rid: string }>>(
      running.url,
      document,
      variables,
    )
    const rid = Object.values(data ?? {})[0]?.rid
    if (rid === undefined) throw new Error(JSON.stringify(errors))
    await running.ended(rid)
    return { rid, ...(await running.ask<{ record: Shown }>(RECORD, { rid })).record }
  }
  const readKept = async (): Promise<Kept> => {
    const { volumes } = await running.ask<{ volumes: { nodes: { keptOld: Kept }[] } }>(KEPT)
    return volumes.nodes[0]?.keptOld ?? null
  }
  const recover = (more: object) => run(RECOVER, { input: { ...input, ...more } })
  return { ...running, run, recover, readKept, input }
}

test(
  'a recover is undone by its plan, and what is kept is shown with its size until it is dropped',
  LONG,
  async () => {
    const { run, recover, readKept, volume, backUp } = await start()
    writeFileSync(join(volume, 'file'), 'written since')
    writeFileSync(join(volume, 'more'), 'more')
    const { rid, state } = await recover({ keepOld: '24h' })
    expect([state, existsSync(join(volume, 'more'))]).toEqual(['SUCCESS', false])
    await vi.waitFor(async () => expect(await readKept()).toMatchObject({ rid, files: 2 }), {
      timeout: 30_000,
    })
    const kept = await readKept()
    expect(Date.parse(kept?.until ?? '') - Date.parse(kept?.made ?? '')).toBe(86_400_000)
    const planned = await run(UNDO, { rid, plan: true })
    expect(planned.result?.plan).toMatchObject({ create: 1, overwrite: 1, delete: 0 })
    const undone = await run(UNDO, { rid, planHash: planned.result?.plan?.planHash })
    expect(undone).toMatchObject({ state: 'SUCCESS' })
    expect(readFileSync(join(volume, 'file'), 'utf8')).toBe('written since')
    expect((await backUp()).state).toBe('SUCCESS')
    await vi.waitFor(async () => expect(await readKept()).toMatchObject({ rid: undone.rid, files: 1 }), {
      timeout: 30_000,
    })
    expect(await run(DROP, { rid: undone.rid })).toMatchObject({ state: 'SUCCESS' })
    await vi.waitFor(async () => expect(await readKept()).toBeNull(), { timeout: 30_000 })
    const again = await run(UNDO, { rid: undone.rid })
    expect(again).toMatchObject({ state: 'FAILED', reason: expect.stringContaining('is kept') })
  },
)

test('a time to keep is checked, and so is what is undone', LONG, async () => {
  const { url, input } = await start()
  const codeOf = async (document: string, variables: object) =>
    (await askGraphQL<object>(url, document, variables)).errors?.[0]?.extensions.code
  for (const keepOld of ['1s', '', '31d', '0h', '24', '9'.repeat(400)])
    expect(await codeOf(RECOVER, { input: { ...input, keepOld } })).toBe('BAD_INPUT')
  expect(await codeOf(RECOVER, { input: { ...input, keepOld: '1h', files: ['file'] } })).toBe('BAD_INPUT')
  expect(await codeOf(RECOVER, { input: { ...input, keepOld: '1h', onRefusedRename: 'IN_PLACE' } })).toBe(
    'BAD_INPUT',
  )
  expect(await codeOf(UNDO, { rid: `1795423489${'a'.repeat(32)}` })).toBe('NOT_FOUND')
  expect(await codeOf(DROP, { rid: 'x' })).toBe('NOT_FOUND')
})
