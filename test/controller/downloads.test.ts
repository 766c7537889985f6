import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { given } from '../support/given.ts'
import { askGraphQL } from '../support/real-controller.ts'
import { authorize } from '../support/two-apps.ts'

const LONG = { timeout: 120_000 }
const LARGE = randomBytes(5 << 20)
const SPARSE = 3 << 20
const BYTES_NAME = Buffer.from('caf\xe9 "a"; b.txt', 'latin1')

const FILES = `query ($snapshot: ID) { backups(first: 1) { nodes { app mode files(path: "", snapshot: $snapshot) {
  nodes { path type downloadUrl } } } } }`
const AUDIT = '{ audit(first: 10, filter: { verb: "download" }) { nodes { verb who outcome facts } } }'

function writeVolume(folder: string): void {
  writeFileSync(join(folder, 'large'), LARGE)
  writeFileSync(join(folder, 'empty'), '')
  writeFileSync(join(folder, 'page.html'), '<script>alert(1)</script>')
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), BYTES_NAME]), 'bytes')
  linkSync(join(folder, 'large'), join(folder, 'name two'))
  symlinkSync('large', join(folder, 'soft'))
  const sparse = openSync(join(folder, 'sparse'), 'w')
  ftruncateSync(sparse, SPARSE)
  writeSync(sparse, 'data', 1 << 20)
  closeSync(sparse)
}

type Kind = 'full' | 'increment'

async function start(mode: Kind = 'full') {
  const running = await given
    .app('shop')
    .proc('web')
    .volume('/data/db')
    .schedule({ mode })
    .files(writeVolume)
    .withBackups(1)
    .running()
  const listAddresses = async (headers: Record<string, string> = {}) => {
    const { data, errors } = await askGraphQL<Listed>(running.url, FILES, {}, headers)
    if (!data) throw new Error(JSON.stringify(errors))
    const [backup] = data.backups.nodes
    return new Map(backup?.files.nodes.map(({ path, downloadUrl }) => [path, downloadUrl]))
  }
  const addressOf = async (path: string, headers: Record<string, string> = {}) => {
    const address = (await listAddresses(headers)).get(path)
    if (typeof address !== 'string') throw new Error(`no address for ${path}`)
    return running.url + address
  }
  return { ...running, listAddresses, addressOf }
}

interface Listed {
  backups: { nodes: { files: { nodes: { path: string; downloadUrl: string | null }[] } }[] }
}

async function read(address: string, headers: Record<string, string> = {}) {
  const answer = await fetch(address, { headers })
  return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe.each(['full', 'increment'] as const)('a file of a backup (%s)', (mode) => {
  test('is downloaded whole, with holes, by each of its names, and in parts', LONG, async () => {
    const { addressOf, listAddresses } = await start(mode)
    const large = await read(await addressOf('large'))
    expect(large.status).toBe(200)
    expect(large.headers.get('content-length')).toBe(String(LARGE.length))
    expect(sha256(large.body)).toBe(sha256(LARGE))
    expect(sha256((await read(await addressOf('name two'))).body)).toBe(sha256(LARGE))
    expect((await read(await addressOf('empty'))).body).toHaveLength(0)
    expect((await read(await addressOf('caf\\xe9 "a"; b.txt'))).body.toString()).toBe('bytes')

    const holes = Buffer.alloc(SPARSE)
    holes.write('data', 1 << 20)
    const sparse = await addressOf('sparse')
    expect((await read(sparse)).body.equals(holes)).toBe(true)
    const around = { from: (1 << 20) - 10, end: (1 << 20) + 10 }
    const part = await read(sparse, { range: `bytes=${around.from}-${around.end - 1}` })
    expect(part.body.equals(holes.subarray(around.from, around.end))).toBe(true)

    const address = await addressOf('large')
    for (const [from, end] of [
      [0, 1],
      [1, 700_000],
      [3 << 20, (3 << 20) + 5],
      [LARGE.length - 1, LARGE.length],
    ] as const) {
      const some = await read(address, { range: `bytes=${from}-${end - 1}` })
      expect(some.status).toBe(206)
      expect(some.headers.get('content-range')).toBe(`bytes ${from}-${end - 1}/${LARGE.length}`)
      expect(some.body.equals(LARGE.subarray(from, end))).toBe(true)
    }
    expect((await read(address, { range: 'bytes=-7' })).body.equals(LARGE.subarray(-7))).toBe(true)
    const beyond = await read(address, { range: `bytes=${LARGE.length}-` })
    expect(beyond.status).toBe(416)
    expect(beyond.headers.get('content-range')).toBe(`bytes */${LARGE.length}`)
    for (const range of ['bytes=0-1,5-6', 'lines=1-2', 'bytes=9-2', `bytes=${'1-2,'.repeat(400)}`])
      expect((await read(address, { range })).status).toBe(200)
    const head = await fetch(address, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(LARGE.length)])

    const addresses = await listAddresses()
    expect(addresses.get('soft')).toBeNull()
  })

  test('is never shown by a browser as a page of this controller', LONG, async () => {
    const { addressOf } = await start(mode)
    const { headers } = await read(await addressOf('page.html'))
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename=page.html',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining('sandbox'),
    })
  })
})

test('a download that was cut continues only in the same content', LONG, async () => {
  const { addressOf, backUp, volume } = await start()
  const first = await read(await addressOf('large'), { range: 'bytes=0-99' })
  const tag = first.headers.get('etag') ?? ''
  const rest = { range: 'bytes=100-', 'if-range': tag }
  expect((await read(await addressOf('large'), rest)).status).toBe(206)
  writeFileSync(join(volume, 'large'), 'of a later backup')
  await backUp()
  const other = await read(await addressOf('large'), rest)
  expect([other.status, other.body.toString()]).toEqual([200, 'of a later backup'])
})

test('a file of an archive without manifest and index is found by reading the archive', LONG, async () => {
  const { addressOf, store, ask } = await start()
  for (const name of readdirSync(store))
    if (/\.(manifest|index)\b/.test(name) || name.endsWith('.json') || name.includes('index'))
      rmSync(join(store, name))
  await ask('mutation { rebuildCatalog { dryRun } }')
  for (const path of ['large', 'name two']) {
    expect(sha256((await read(await addressOf(path))).body)).toBe(sha256(LARGE))
    const part = await read(await addressOf(path), { range: 'bytes=1000000-1000009' })
    expect(part.body.equals(LARGE.subarray(1_000_000, 1_000_010))).toBe(true)
  }
})

describe('an address', () => {
  test('that is altered, or for another file, shows nothing', LONG, async () => {
    const { addressOf } = await start()
    const [one, two] = [new URL(await addressOf('large')), new URL(await addressOf('page.html'))]
    const mixed = new URL(one)
    mixed.searchParams.set('file', two.searchParams.get('file') ?? '')
    for (const address of [
      mixed,
      new URL('/download/large', one),
      new URL('/download/large?file=&key=', one),
    ]) {
      const { status, body } = await read(address.href)
      expect(status).toBe(404)
      expect(body.toString()).toMatch(/Ask for the downloadUrl of the file again/)
    }
  })

  test('ends with the token of its caller, also under way, and is not given to a viewer', LONG, async () => {
    const { url, folder, addressOf, listAddresses, volume, backUp } = await start()
    // More than the buffers on the way can take.
    writeFileSync(join(volume, 'huge'), '')
    truncateSync(join(volume, 'huge'), 512 << 20)
    await backUp()
    const admin = readFileSync(join(folder, 'controller/admin-token'), 'utf8').trim()
    const ask = async <T>(query: string, variables: object) => {
      const { data, errors } = await askGraphQL<T>(url, query, variables, authorize(admin))
      if (!data) throw new Error(JSON.stringify(errors))
      return data
    }
    const make = async (role: string) => {
      const input = { name: role, roles: [role], apps: ['shop'] }
      const CREATE = 'mutation ($input: TokenInput!) { createToken(input: $input) { text token { id } } }'
      return (await ask<{ createToken: { text: string; token: { id: string } } }>(CREATE, { input }))
        .createToken
    }
    const restorer = await make('RESTORER')
    const address = await addressOf('large', authorize(restorer.text))
    expect((await read(address)).status).toBe(200)
    const underWay = await fetch(await addressOf('huge', authorize(restorer.text)))
    await ask('mutation ($id: ID!) { revokeToken(id: $id) { id } }', { id: restorer.token.id })
    expect((await read(address)).status).toBe(401)
    const outcomes = async () => (await ask<Audited>(AUDIT, {})).audit.nodes.map(({ outcome }) => outcome)
    await expect.poll(outcomes).toContainEqual(expect.stringMatching(/^failed: UNAUTHENTICATED/))
    await expect(underWay.arrayBuffer()).rejects.toThrow()
    const viewer = await make('VIEWER')
    expect([...(await listAddresses(authorize(viewer.text))).values()].every((each) => each === null)).toBe(
      true,
    )
  })

  test('is in no log, and the audit says who read what, and how it ended', LONG, async () => {
    const { addressOf, ask, log, daemon, volume, backUp } = await start()
    // More than the buffers on the way can take.
    writeFileSync(join(volume, 'huge'), '')
    truncateSync(join(volume, 'huge'), 512 << 20)
    await backUp()
    const address = new URL(await addressOf('large'))
    await read(address.href)
    const breaking = new AbortController()
    const answer = await fetch(await addressOf('huge'), { signal: breaking.signal })
    await answer.body?.getReader().read()
    breaking.abort()
    await expect.poll(async () => (await ask<Audited>(AUDIT)).audit.nodes.length).toBe(4)
    const { nodes } = (await ask<Audited>(AUDIT)).audit
    expect(nodes.map(({ outcome }) => outcome?.split(' ')[0]).toSorted()).toEqual([
      'begun',
      'begun',
      'done',
      'failed:',
    ])
    expect(nodes).toContainEqual(
      expect.objectContaining({
        who: expect.stringMatching(/^download 127\.0\.0\.1/),
        facts: expect.objectContaining({ path: 'large' }),
      }),
    )
    const key = address.searchParams.get('key') ?? ''
    const logged = inspect([log, daemon.log, nodes], {
      depth: 8,
      maxArrayLength: null,
      maxStringLength: null,
    })
    expect(logged).toContain('A download broke off: The client left before all of the file was sent')
    expect(nodes).toContainEqual(
      expect.objectContaining({ outcome: expect.stringContaining('failed: CANCELLED') }),
    )
    expect(logged).not.toContain(key)
  })
})

interface Audited {
  audit: { nodes: { who: string; outcome: string | null; facts: object }[] }
}

test('a damaged file breaks off, and never looks complete', LONG, async () => {
  const { addressOf, store, backups, ask, daemon } = await start()
  const archive = join(store, backups[0])
  const bytes = readFileSync(archive)
  const middle = bytes.length >> 1
  bytes.fill(0, middle, middle + 64)
  writeFileSync(archive, bytes)
  const address = await addressOf('large')
  await expect(read(address)).rejects.toThrow()
  await expect
    .poll(() => daemon.log.lines.join('\n'))
    .toMatch(/The reading of a file broke off: The archive is damaged/)
  await expect
    .poll(async () => (await ask<Audited>(AUDIT)).audit.nodes.map(({ outcome }) => outcome).join('\n'))
    .toMatch(/failed: DAEMON_UNREACHABLE .*its log says why/)
})
