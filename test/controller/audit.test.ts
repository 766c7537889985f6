import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { rawRequest } from '../support/raw-http.ts'
import { startTestController } from '../support/real-controller.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { authorize, OWN, startTwoApps } from '../support/two-apps.ts'

const AUDIT =
  'query ($verb: String) { audit(filter: { verb: $verb }, first: 500) { nodes { id who verb facts outcome begin hash } totalCount } }'

interface Entry {
  id: string
  who: string
  verb: string
  facts: Record<string, unknown>
  outcome: string
  begin: string | null
}

type Kit = Awaited<ReturnType<typeof startTwoApps>>

async function readAudit(
  { ask, admin }: Pick<Kit, 'ask' | 'admin'>,
  verb: string | null = null,
): Promise<Entry[]> {
  const { data, errors } = await ask<{ audit: { nodes: Entry[] } }>(admin, AUDIT, { verb })
  expect(errors).toBeUndefined()
  return data?.audit.nodes ?? []
}

/** `backupd audit` as the first admin. */
function audit({ url, folder }: { url: string; folder: string }, ...argv: string[]) {
  const file = join(folder, 'controller', 'admin-token')
  return runQuietly('audit', '--url', url, '--token-file', file, ...argv)
}

function changeCatalog(folder: string, sql: string): void {
  const database = new Database(join(folder, 'controller', 'catalog.db'))
  database.exec(sql)
  database.close()
}

const RUN = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'

test('what is asked for has an entry before and one after it', async () => {
  const kit = await startTwoApps()
  await kit.createToken('viewer', [OWN])
  const [end, begin] = await readAudit(kit, 'createToken')
  expect(begin).toMatchObject({ outcome: 'begun', begin: null, facts: { name: 'viewer' } })
  expect(end).toMatchObject({ begin: begin?.id, outcome: 'done', facts: {} })
  expect(begin?.who).toMatch(/^graphql 127\.0\.0\.1 with the token "first admin"/)
})

test('only an admin of everything reads the audit', async () => {
  const { ask, admin, createToken } = await startTwoApps()
  const READ = '{ audit { nodes { id } totalCount } }'
  for (const token of [await createToken('restorer'), await createToken('admin', [OWN])])
    expect((await ask(token.text, READ)).errors?.[0]?.extensions.code).toBe('NOT_PERMITTED')
  const { data } = await ask<{ audit: { nodes: unknown[]; totalCount: number } }>(admin, READ)
  expect(data?.audit.totalCount).toBe(data?.audit.nodes.length)
})

test('pages of the audit follow each other without a gap', async () => {
  const kit = await startTwoApps()
  await kit.createToken('viewer')
  const all = (await readAudit(kit)).map(({ id }) => id)
  const seen: string[] = []
  for (let after: string | null = null; ; ) {
    const page: { data?: Record<string, never> } = await kit.ask(
      kit.admin,
      'query ($after: String) { audit(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
      { after },
    )
    const { nodes, pageInfo } = (page.data?.audit ?? {}) as unknown as {
      nodes: Entry[]
      pageInfo: { hasNextPage: boolean; endCursor: string }
    }
    seen.push(...nodes.map(({ id }) => id))
    if (!pageInfo.hasNextPage) break
    after = pageInfo.endCursor
  }
  expect(seen).toEqual(all)
  expect(all.length).toBeGreaterThan(4)
})

test('the command shows, exports and verifies the audit', async () => {
  const kit = await startTwoApps()
  await kit.createToken('viewer')
  const shown = await audit(kit, '--verb', 'createToken', '--first', '2')
  expect(shown.out).toMatch(/createToken +as \d+ +done[\s\S]*createToken +\{"name":"viewer".*begun/)
  const exported = (await audit(kit, '--export')).out.trim().split('\n')
  const entries = exported.map((line) => JSON.parse(line) as Entry)
  expect(entries.at(-1)).toMatchObject({ id: 1, verb: 'startController' })
  const { out } = await audit(kit, '--verify')
  const [, head = ''] =
    /(\d+) entries, none changed. 0 have no end yet. The head is (\d+:[0-9a-f]{64})/.exec(out)?.slice(1) ?? []
  expect(await audit(kit, '--verify', '--head', head)).toMatchObject({ code: 0 })
  const logged = kit.log.lines
    .map((line) => JSON.stringify(line))
    .find((line) => line.includes('newest entry of the audit'))
  const [, id, hash] = /is (\d+) with the hash ([0-9a-f]{64})/.exec(logged ?? '') ?? []
  expect(await audit(kit, '--verify', '--head', `${id}:${hash}`)).toMatchObject({ code: 0 })
  expect(await audit(kit, '--verify', '--head', `1:${'0'.repeat(64)}`)).toMatchObject({
    code: 1,
    err: expect.stringContaining('is not in the chain'),
  })
})

test.each([
  ['--head is "1"', ['--verify', '--head', '1']],
  ['--from is "soon"', ['--from', 'soon']],
  ['--first is "0"', ['--first', '0']],
])('%s is refused', async (message, argv) => {
  const kit = await startTwoApps()
  expect(await audit(kit, ...argv)).toMatchObject({ code: 1, err: expect.stringContaining(message) })
})

test.each([
  ['changed', `UPDATE "Audit" SET "who" = 'nobody' WHERE "id" = 3`],
  ['broken', `UPDATE "Audit" SET "facts" = '{', "at" = 'never' WHERE "id" = 3`],
  ['removed', `DELETE FROM "Audit" WHERE "id" = 3`],
  [
    'swapped',
    `UPDATE "Audit" SET "id" = -1 WHERE "id" = 3; UPDATE "Audit" SET "id" = 3 WHERE "id" = 4; UPDATE "Audit" SET "id" = 4 WHERE "id" = -1`,
  ],
  [
    'added',
    `INSERT INTO "Audit" ("at", "who", "verb", "facts", "outcome") VALUES ('2026-12-01', 'me', 'x', '{}', 'done')`,
  ],
])('an entry that was %s is found', async (_what, sql) => {
  const kit = await startTwoApps()
  const { text } = await kit.createToken('viewer')
  await kit.ask(text, RUN, { id: kit.own.jobId })
  expect((await audit(kit, '--verify')).code).toBe(0)
  await kit.close()
  changeCatalog(kit.folder, sql)
  const again = await startTestController({ folder: kit.folder })
  const verified = await audit({ ...again, folder: kit.folder }, '--verify')
  expect([verified.code, verified.err]).toEqual([1, expect.stringContaining('The audit was changed')])
})

test('what a killed controller had begun gets an end at the next start', async () => {
  const kit = await startTwoApps()
  await kit.close()
  // As a process leaves it that is killed between the two entries.
  changeCatalog(
    kit.folder,
    `DELETE FROM "Audit" WHERE "id" >= (SELECT max("id") FROM "Audit" WHERE "begin" IS NOT NULL)`,
  )
  await rm(join(kit.folder, 'controller', 'audit-head'))
  const head = new Database(join(kit.folder, 'controller', 'catalog.db'))
  const last = head.prepare('SELECT "id", "hash" FROM "Audit" ORDER BY "id" DESC LIMIT 1').get()
  head.close()
  await writeFile(join(kit.folder, 'controller', 'audit-head'), JSON.stringify(last))
  const again = await startTestController({ folder: kit.folder })
  const shown = await audit({ ...again, folder: kit.folder }, '--first', '2')
  expect(shown.out).toMatch(
    /startController[\s\S]*createToken +as \d+ +unknown: the controller stopped before it ended/,
  )
  expect((await audit({ ...again, folder: kit.folder }, '--verify')).code).toBe(0)
  await again.close()
  const third = await startTestController({ folder: kit.folder })
  expect((await audit({ ...third, folder: kit.folder })).out.match(/unknown: /g)).toHaveLength(1)
})

test('a copy of the catalog that is restored begins a new epoch, and a usual start does not', async () => {
  const kit = await startTwoApps()
  await kit.close()
  const catalog = join(kit.folder, 'controller', 'catalog.db')
  await cp(catalog, join(kit.folder, 'copy.db'))
  const second = await startTestController({ folder: kit.folder })
  expect((await audit({ ...second, folder: kit.folder }, '--verb', 'newEpoch', '--json')).out).toBe('[]\n')
  await second.close()
  const known = JSON.parse(await readFile(join(kit.folder, 'controller', 'audit-head'), 'utf8'))
  await cp(join(kit.folder, 'copy.db'), catalog)
  const third = await startTestController({ folder: kit.folder })
  const { out } = await audit({ ...third, folder: kit.folder }, '--verb', 'newEpoch', '--json')
  expect(JSON.parse(out)).toMatchObject([
    { who: 'backupd', facts: { known, epoch: expect.stringMatching(/^\w{16}$/) } },
  ])
  expect(JSON.stringify(third.log.lines)).toContain('begins a new epoch')
  expect((await audit({ ...third, folder: kit.folder }, '--verify')).code).toBe(0)
})

test('the audit of an earlier version stays, and its entries stand before the chain', async () => {
  const kit = await startTwoApps()
  await kit.close()
  changeCatalog(kit.folder, 'UPDATE "Audit" SET "hash" = NULL, "begin" = NULL, "outcome" = \'done\'')
  await rm(join(kit.folder, 'controller', 'audit-head'))
  const again = await startTestController({ folder: kit.folder })
  expect(await audit({ ...again, folder: kit.folder }, '--verify')).toMatchObject({ code: 0 })
  expect((await audit({ ...again, folder: kit.folder }, '--verb', 'newEpoch', '--json')).out).toBe('[]\n')
})

test('sign-ins and refused requests are in the audit, by address', async () => {
  const kit = await startTwoApps()
  const { text, token } = await kit.createToken('viewer')
  const ask = (from: string, headers: Record<string, string>) =>
    rawRequest(kit.url, { path: '/metrics', from, headers })
  for (let n = 0; n < 3; n++) await ask('127.0.0.3', authorize(text))
  for (let n = 0; n < 2; n++) await ask('127.0.0.4', authorize('wrong'))
  await ask('127.0.0.4', {})
  await ask('127.0.0.5', {})
  await kit.close()
  const again = await startTestController({ folder: kit.folder })
  const read = async (verb: string) =>
    JSON.parse((await audit({ ...again, folder: kit.folder }, '--verb', verb, '--json')).out) as Entry[]
  const signIns = (await read('signIn')).map(({ who }) => who)
  expect(signIns).toContain(`from 127.0.0.3 with the token "viewer" (${token.id})`)
  expect(signIns.filter((who) => who.includes('127.0.0.3'))).toHaveLength(1)
  expect(await read('refusedRequests')).toMatchObject([
    {
      who: 'backupd',
      facts: {
        addresses: [
          { address: '127.0.0.4', UNAUTHENTICATED: 3 },
          { address: '127.0.0.5', UNAUTHENTICATED: 1 },
        ],
        others: 0,
      },
    },
  ])
  expect((await audit({ ...again, folder: kit.folder }, '--verify')).code).toBe(0)
})
