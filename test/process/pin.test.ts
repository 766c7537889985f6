import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { runQuietly } from '../support/run-quietly.ts'
import { ask, backUp, type Program, startStandalone } from '../support/standalone.ts'

let folder: string
let running: Program | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pin-'))
  await mkdir(join(folder, 'volume'))
})

afterEach(async () => {
  await stop()
  await rm(folder, { recursive: true, force: true })
})

async function stop(): Promise<void> {
  running?.process.kill('SIGTERM')
  await running?.ended
  running = undefined
}

const LISTED_AGAIN = { timeout: 90_000, interval: 500 }

interface Backups {
  backups: {
    nodes: { name: string; pins: { id: string; by: string; reason: string; until: string | null }[] }[]
  }
}

const BACKUPS = '{ backups { nodes { name pins { id by reason until } } } }'
const AUDIT = '{ audit { nodes { verb facts outcome } } }'

async function start() {
  const { program, url } = await startStandalone(folder)
  running = program
  await program.said(/\/graphql/)
  return {
    url,
    read: async () => (await ask<Backups>(url, BACKUPS)).backups.nodes,
    remove: (names: string[]) =>
      deleteByPlan((query, variables) => ask(url, query, variables), { app: 'shop', proc: 'web', names }),
    removeByLegacyUrl: (name: string) =>
      fetch(new URL('/api/v2/app/shop/proc/web/backups/actions/delete', url), {
        method: 'POST',
        body: new URLSearchParams({ files: name }),
      }),
    pin: (...argv: string[]) => runQuietly('pin', ...argv, '--url', url),
  }
}

test('a pinned backup outlives the catalog, and is deleted by nobody until it is released', async () => {
  await writeFile(join(folder, 'volume', 'file'), 'content')
  const first = await start()
  await expect.poll(async () => (await first.pin('list')).out).toBe('Nothing is pinned.\n')
  await backUp(first.url)
  const [{ name } = { name: '' }] = await first.read()
  const target = [name, '--app', 'shop', '--proc', 'web']
  expect((await first.pin('add', ...target, '--reason', ' ')).err).toContain('expected 1 to 500\n')
  const added = await first.pin('add', ...target, '--reason', 'case 4711', '--until', '90d')
  expect(added).toMatchObject({ code: 0, err: '' })
  expect(added.out).toMatch(/^Nothing deletes shop-.* until 20.*Z: pin [\da-f]{12}\.\n$/)
  await expect
    .poll(async () => (await first.read())[0]?.pins)
    .toMatchObject([
      { by: expect.stringMatching(/^graphql/), reason: 'case 4711', until: expect.any(String) },
    ])

  await stop()
  await rm(join(folder, 'data', 'controller'), { recursive: true, force: true })
  const second = await start()
  // Reports of old runs come once more, and then the store is listed once more.
  await expect.poll(async () => (await second.read())[0]?.pins.length, LISTED_AGAIN).toBe(1)
  await expect(second.remove([name])).rejects.toThrow(
    /PLAN_NEEDED: .* stays, because .* pinned it at .*: case 4711\./,
  )
  const refused = await second.removeByLegacyUrl(name)
  expect([refused.status, await refused.text()]).toEqual([
    500,
    expect.stringMatching(/ pinned it at .*: case 4711\. Release it first/),
  ])
  expect(await readdir(join(folder, 'data', 'store', '127.0.0.1'))).toContain(name)

  const listed = await second.pin('list')
  expect(listed.out).toMatch(/ on 127\.0\.0\.1\n {2}pinned by graphql .* until .*Z: case 4711\n/)
  const [, command = ''] = /backupd pin (release .*)/.exec(listed.out) ?? []
  const released = await second.pin(...command.split(' '))
  expect(released).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^Released: pinned by graphql/),
  })
  await expect.poll(async () => (await second.pin('list')).out, LISTED_AGAIN).toBe('Nothing is pinned.\n')
  expect(await second.pin(...command.split(' '))).toMatchObject({
    code: 1,
    err: expect.stringContaining('has no pin'),
  })
  const { audit } = await ask<{ audit: { nodes: { verb: string; outcome: string }[] } }>(second.url, AUDIT)
  expect(audit.nodes.map(({ verb, outcome }) => `${verb} ${outcome.slice(0, 6)}`)).toEqual(
    expect.arrayContaining(['release done', 'release failed', 'deleteBackups failed']),
  )
  expect((await second.removeByLegacyUrl(name)).status).toBe(204)
  expect(await readdir(join(folder, 'data', 'store', '127.0.0.1'))).toContain(`${name}.hidden`)
}, 240_000)

test('a backup whose manifest cannot be read is named in the list of pins, which does not say that nothing is pinned', async () => {
  await writeFile(join(folder, 'volume', 'file'), 'content')
  const first = await start()
  await backUp(first.url)
  const [{ name } = { name: '' }] = await first.read()
  await first.pin('add', name, '--app', 'shop', '--proc', 'web', '--reason', 'case 4711')
  await stop()
  const manifest = join(folder, 'data', 'store', '127.0.0.1', `${name}.manifest.json`)
  await writeFile(manifest, 'damaged')
  await rm(join(folder, 'data', 'controller'), { recursive: true, force: true })

  const { url, read, pin, remove } = await start()
  const answers: string[] = []
  const list = async () => {
    const { out, err } = await pin('list')
    answers.push(out + err)
    return out
  }
  const isKept = `${name} on 127.0.0.1\n  it is kept, because nobody knows if it is pinned: its manifest`
  await expect.poll(list, LISTED_AGAIN).toContain(isKept)
  for (const answer of answers) expect(answer).toContain('127.0.0.1')
  expect((await read()).length).toBe(1)
  const [listed] = JSON.parse((await pin('list', '--json')).out)
  expect(listed).toMatchObject({ name, pins: [], unreadable: expect.stringContaining('its manifest') })
  await expect(remove([name])).rejects.toThrow(/somebody may have pinned it.*or remove ".*manifest\.json"/)
  const { servers } = await ask<{ servers: { problems: string[] }[] }>(url, '{ servers { problems } }')
  expect(servers[0]?.problems).toContainEqual(
    expect.stringMatching(
      `^The manifest of a backup .*"${name}".*then remove NAME.manifest.json from the folder`,
    ),
  )
  await rm(manifest)
  expect(await remove([name])).toMatchObject({ deleteBackups: [name] })
}, 240_000)

test('a command that cannot be understood says what it expects', async () => {
  const { pin } = await start()
  const target = ['x', '--app', 'shop', '--proc', 'web']
  const wrong = await pin('add', ...target, '--reason', 'y', '--until', 'soon')
  expect(wrong).toEqual({
    code: 1,
    out: '',
    err: 'backupd: --until is "soon", expected a duration such as 90d, or a time such as 2027-01-31T00:00:00Z\n',
  })
  expect((await pin('add', ...target, '--reason', 'y')).err).toContain('There is no backup "x"')
  expect(await pin('list', '--server', '10.9.9.9')).toEqual({
    code: 1,
    out: '',
    err: 'backupd: Cannot list the pins of "10.9.9.9": no such server is known, expected one of { servers { ip } }\n',
  })
})
