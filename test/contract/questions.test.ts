import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { QUESTION_ROUTES } from '../../src/daemon/handlers/questions.ts'
import type { DaemonParts } from '../../src/daemon/http/route.ts'
import { plugins } from '../../src/engine/plugins/index.ts'
import { QUESTIONS } from '../../src/wire/questions.ts'
import { RequestFields } from '../../src/wire/request-fields.ts'

const OWN = '10.0.0.1'
const NAME = 'shop-shop.web.web-1-data-db'
const rows = Object.entries(QUESTIONS)
const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

test.each(rows)('%s is answered by a plugin that answers at once', (_, { action }) => {
  expect(plugins.find(({ name }) => name === action)).toMatchObject({ answersAtOnce: true })
})

test.each(rows)('the route of %s is documented', (_, { method, path }) => {
  expect(protocol).toContain(`${method} ${path.replace(':name', 'NAME')}`)
})

test.each(rows.filter(([, { changesStore }]) => changesStore))(
  '%s is refused for another server, and before the daemon is ready',
  async (_, { method, path }) => {
    const route = QUESTION_ROUTES.find((one) => one.path === path && one.method === method)
    const world = (reason?: string) => ({ ip: OWN, notReady: () => reason }) as unknown as DaemonParts
    const call = (namespace: string) => ({
      params: { name: NAME },
      fields: new RequestFields(new Map([['namespace', [namespace]]])),
      late: new AbortController().signal,
    })
    await expect(route?.handle(call('10.0.0.2'), world())).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(route?.handle(call(OWN), world('it settles'))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  },
)

test('an empty snapshot is an error, and a missing one means the newest', () => {
  const asked = { namespace: OWN, name: NAME }
  expect(QUESTIONS.files.args.safeParse({ ...asked, snapshot: '' })).toMatchObject({ success: false })
  expect(QUESTIONS.files.args.parse(asked)).not.toHaveProperty('snapshot')
})

test.each(['0', '-1', '1.5', '1001', 'ten', '', '9'.repeat(400)])(
  'a page of %j items is refused',
  (limit) => {
    const asked = { namespace: OWN, name: NAME, limit }
    expect(QUESTIONS.snapshots.args.safeParse(asked)).toMatchObject({ success: false })
  },
)
