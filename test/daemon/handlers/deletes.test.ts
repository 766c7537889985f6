import { expect, test } from 'vitest'
import { handleBackupDelete } from '../../../src/daemon/handlers/backups.ts'
import { QUESTION_ROUTES } from '../../../src/daemon/handlers/questions.ts'
import type { DaemonCall, DaemonParts } from '../../../src/daemon/http/route.ts'
import { RequestFields } from '../../../src/wire/request-fields.ts'

const OWN = '10.0.0.1'
const NAME = 'shop-shop.web.web-1-data-db-1795425846.tar.gz'

/** What the store was asked to do. */
function worldWith({ notReady }: { notReady?: string } = {}) {
  const asked: [action: string, question: unknown][] = []
  const engine = {
    async ask(action: string, question: unknown) {
      asked.push([action, question])
      return { deletedSnapshots: ['a1'] }
    },
  }
  return { asked, world: { ip: OWN, engine, notReady: () => notReady } as unknown as DaemonParts }
}

const deleting = QUESTION_ROUTES.find(({ path }) => path.endsWith('/actions/delete'))
const deleteSnapshots = async (call: DaemonCall, world: DaemonParts) => await deleting?.handle(call, world)

function callOf(fields: Record<string, unknown[]>, params: Record<string, string> = {}) {
  return {
    params,
    fields: new RequestFields(new Map(Object.entries(fields))),
    late: new AbortController().signal,
  }
}

const DELETES = [
  [
    'backups',
    (world: DaemonParts, more = {}) => handleBackupDelete(callOf({ files: [NAME], ...more }), world),
  ],
  [
    'snapshots',
    (world: DaemonParts, more = {}) =>
      deleteSnapshots(callOf({ snapshots: ['a1'], ...more }, { name: NAME }), world),
  ],
] as const

test.each(DELETES)('%s are deleted in the own namespace, whether it is named or not', async (_what, act) => {
  const { asked, world } = worldWith()
  await act(world)
  await act(world, { namespace: [OWN] })
  expect(asked).toHaveLength(2)
})

test.each(DELETES)(
  '%s of another server are not deleted, because its own daemon may use them',
  async (_w, act) => {
    const { asked, world } = worldWith()
    await expect(act(world, { namespace: ['10.0.0.2'] })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(act(world, { namespace: ['..'] })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(asked).toEqual([])
  },
)

test.each(DELETES)('%s are not deleted before interrupted runs are settled', async (_what, act) => {
  const { asked, world } = worldWith({ notReady: 'it is starting' })
  await expect(act(world)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(asked).toEqual([])
})

test.each(['.meta', '.', '..', '', 'a/../b', 'a//b', '/a', 'a\0', 'x'.repeat(256)])(
  'one bad name among good ones deletes nothing: %j',
  async (name) => {
    const { asked, world } = worldWith()
    await expect(handleBackupDelete(callOf({ files: [NAME, name] }), world)).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    expect(asked).toEqual([])
  },
)

test.each(['.meta', '..', 'a/b', 'a\0', 'x'.repeat(256)])(
  'snapshots of an impossible backup are not requested: %j',
  async (name) => {
    const { asked, world } = worldWith()
    await expect(deleteSnapshots(callOf({ snapshots: ['a1'] }, { name }), world)).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    expect(asked).toEqual([])
  },
)

test('a delete without names is refused, names of 255 bytes or inside of a mirror are not', async () => {
  const { asked, world } = worldWith()
  await expect(handleBackupDelete(callOf({}), world)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  const names = ['x'.repeat(255), 'mirror/.hidden/a file', 'mirror/dir/']
  expect(await handleBackupDelete(callOf({ files: names }), world)).toEqual({ status: 204 })
  expect(asked).toEqual([['backup_delete', { names }]])
})
