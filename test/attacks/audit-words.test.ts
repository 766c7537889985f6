import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { MAX_ENTRIES_OF_ATTEMPTS } from '../../src/domain/access/access-digest.ts'
import { encodeCursor } from '../../src/wire/cursor.ts'
import { startTestController } from '../support/real-controller.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { OWN, startTwoApps } from '../support/two-apps.ts'

const RUN = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
const READ = '{ audit(first: 500) { nodes { verb facts outcome begin } } }'

interface Entry {
  verb: string
  outcome: string
  begin: string | null
}

/** `backupd audit --verify` as the first admin. */
function verify({ url, folder }: { url: string; folder: string }, ...argv: string[]) {
  const file = join(folder, 'controller', 'admin-token')
  return runQuietly('audit', '--verify', '--url', url, '--token-file', file, ...argv)
}

test.each([
  ['half of a character', '\ud800'],
  ['a character that is cut in the middle', `a${'😀'.repeat(8000)}`],
  ['a NUL', 'a\0b'],
])('a caller who names a job with %s does not break the chain of the audit', async (_what, id) => {
  const kit = await startTwoApps()
  const { text } = await kit.createToken('viewer', [OWN])
  const answer = await kit.ask(text, RUN, { id })
  expect(answer.errors?.[0]?.extensions.code).toBe('NOT_FOUND')
  expect(await verify(kit)).toMatchObject({ code: 0, out: expect.stringContaining('none changed') })
})

test('what a caller may not do has one entry, which says who asked for what', async () => {
  const kit = await startTwoApps()
  const { text } = await kit.createToken('viewer', [OWN])
  const ids = [kit.own.jobId, 'no such job']
  for (const id of ids) await kit.ask(text, RUN, { id })
  const { data } = await kit.ask<{ audit: { nodes: Entry[] } }>(kit.admin, READ)
  expect(data?.audit.nodes.filter(({ verb }) => verb === 'runJob').reverse()).toMatchObject([
    { facts: { id: ids[0] }, outcome: expect.stringContaining('refused: NOT_PERMITTED'), begin: null },
    { facts: { id: ids[1] }, outcome: expect.stringContaining('refused: NOT_FOUND'), begin: null },
  ])
})

test('a caller who is refused in a loop does not fill the audit', async () => {
  const kit = await startTwoApps()
  const { text } = await kit.createToken('viewer', [OWN])
  for (let n = 0; n < 60; n++) await kit.ask(text, RUN, { id: `no such job ${n}` })
  const { data } = await kit.ask<{ audit: { nodes: Entry[] } }>(kit.admin, READ)
  expect(data?.audit.nodes.filter(({ verb }) => verb === 'runJob')).toHaveLength(MAX_ENTRIES_OF_ATTEMPTS)
})

test.each(['Infinity', '1e999', '1.5', '-1', ''])(
  'the cursor %j is refused, not an error of ours',
  async (key) => {
    const kit = await startTwoApps()
    for (const list of ['audit', 'notification', 'alarm']) {
      const field = list === 'audit' ? 'audit' : `${list}s`
      const answer = await kit.ask(kit.admin, `query ($a: String) { ${field}(after: $a) { totalCount } }`, {
        a: encodeCursor(list, key),
      })
      expect([list, answer.errors?.[0]?.extensions.code]).toEqual([list, 'BAD_INPUT'])
    }
  },
)

test('hashes that somebody took away, and a catalog that was replaced, are told by --verify', async () => {
  const kit = await startTwoApps()
  await kit.close()
  const database = new Database(join(kit.folder, 'controller', 'catalog.db'))
  database.exec(`UPDATE "Audit" SET "hash" = NULL`)
  database.close()
  const again = await startTestController({ folder: kit.folder })
  const { out } = await verify({ ...again, folder: kit.folder })
  expect(out).toMatch(/\d+ have no hash, as those of older versions: nobody can check these/)
  expect(out).toMatch(/The catalog was replaced before entry \d+: later ones of the old catalog are missing/)
})
