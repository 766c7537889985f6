import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesToText } from '../../src/lib/byte-paths.ts'
import { ERROR_CODES } from '../../src/lib/error-codes.ts'
import { runBackedUpVolume } from '../support/backed-up-volume.ts'
import type { Running } from '../support/given/running.ts'
import { given } from '../support/given.ts'
import { contentOf } from '../support/swap-content.ts'
import { archiveOf, directory, file, hardLink, symlink } from '../support/tar-blocks.ts'

const hello = given.app('hello').proc('web').volume('/data/db')

describe('an archive that differs from what was written', () => {
  test.each<[string, (archive: string) => void, string]>([
    ['cut off', (archive) => truncateSync(archive, statSync(archive).size - 1), 'expected'],
    ['empty', (archive) => truncateSync(archive, 0), 'expected'],
    ['with one bit flipped', flipBit, 'The archive is'],
    ['something else altogether', (archive) => writeFileSync(archive, 'no archive at all'), 'expected'],
  ])(
    '%s gives ARCHIVE_CORRUPT, leaves the volume untouched, and the backup is no longer good',
    async (_what, spoil, words) => {
      const world = await runBackedUpVolume()
      const before = contentOf(world.volume)
      spoil(world.archive)
      const { state, error, result } = await world.recover(world.name)
      expect({ state, result }).toEqual({ state: 'FAILED', result: null })
      expect(error).toMatchObject({ code: 'ARCHIVE_CORRUPT', action: ERROR_CODES.ARCHIVE_CORRUPT })
      expect(error?.message).toContain(`Cannot recover "${world.name}": `)
      expect(error?.message).toContain(words)
      expect(contentOf(world.volume)).toEqual(before)
      world.expectNothingLeft()
      const good = () => world.ask('{ backups { nodes { good corrupt } } }')
      await world.ask('mutation { rebuildCatalog { namespaces { updated } } }')
      expect(await good()).toMatchObject({
        backups: { nodes: [{ good: false, corrupt: expect.any(String) }] },
      })
      expect(await world.lastGood()).toBeUndefined()
      expect((await world.backUp()).state).toBe('SUCCESS')
    },
  )

  test('that is missing is reported, and the volume is untouched', async () => {
    const world = await runBackedUpVolume()
    const before = contentOf(world.volume)
    rmSync(world.archive)
    const { state, error } = await world.recover(world.name)
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'NOT_FOUND' })
    expect(error?.message).toContain('it does not exist')
    expect(contentOf(world.volume)).toEqual(before)
    world.expectNothingLeft()
  })
})

function flipBit(archive: string): void {
  const bytes = readFileSync(archive)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(archive, bytes)
}

describe('an archive of another tar with', () => {
  test.each<[string, Buffer[], string]>([
    [
      '../',
      [directory('db/'), file('db/../../../victim', 'x')],
      'the name "db/../../../victim", which leads up',
    ],
    [
      'an absolute name',
      [directory('db/'), file('/tmp/backupd-evil', 'x')],
      'the absolute name "/tmp/backupd-evil"',
    ],
    [
      'a link that leads out, and a file through it',
      [directory('db/'), symlink('db/out', '../..'), file('db/out/victim', 'x')],
      '"db/out/victim", which leads through a symbolic link',
    ],
    ['a hard link that leads out', [directory('db/'), hardLink('db/h', '../victim')], 'leads up'],
  ])('%s gives ARCHIVE_UNSAFE, and nothing is written', async (_what, parts, words) => {
    const world = await hello.running()
    writeFileSync(`${world.volume}/file`, 'as it was')
    writeFileSync(`${world.instance}/victim`, 'untouched')
    const name = 'hello-hello.web.web-1-data-db-1700000000.tar.gz'
    await adopt(world, name, archiveOf(...parts))
    const { state, error } = await world.recover(name)
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'ARCHIVE_UNSAFE' })
    expect(error?.message).toContain(words)
    expect(readdirSync(world.volume)).toEqual(['file'])
    expect(readFileSync(`${world.instance}/victim`, 'utf8')).toBe('untouched')
    expect(existsSync('/tmp/backupd-evil')).toBe(false)
    world.expectNothingLeft()
  })

  test('no content gives ARCHIVE_EMPTY, and the volume keeps its content', async () => {
    const world = await hello.running()
    writeFileSync(`${world.volume}/file`, 'as it was')
    const name = 'hello-hello.web.web-1-data-db-1700000000.tar.gz'
    await adopt(world, name, archiveOf())
    const { state, error } = await world.recover(name)
    expect({ state, code: error?.code }).toEqual({ state: 'FAILED', code: 'ARCHIVE_EMPTY' })
    expect(readdirSync(world.volume)).toEqual(['file'])
    world.expectNothingLeft()
  })
})

/** Puts an archive into the store as the legacy system would have, and has the catalog read it. */
async function adopt({ folder, store, volume, ask }: Running, name: string, archive: Buffer): Promise<void> {
  const entity = {
    mode: 'full',
    source: volume,
    volume: '/data/db',
    name,
    server: '127.0.0.1',
    size: archive.length,
    created: '2023-11-14T22:13:20Z',
    containers: [],
    instanceNo: 1,
  }
  writeFileSync(join(store, name), archive)
  // By rename: the daemon may read it at this moment, and would set a half written one aside.
  writeFileSync(join(folder, 'meta'), JSON.stringify({ [volume]: [entity] }))
  renameSync(join(folder, 'meta'), join(store, '.meta'))
  await ask('mutation { rebuildCatalog { namespaces { added } } }')
  expect(await ask('{ backups { nodes { name } } }')).toEqual({ backups: { nodes: [{ name }] } })
}

test('names with newlines, quotes, backslashes and arbitrary bytes are listed, entered and recovered', async () => {
  const world = await hello.running()
  const folders = [
    'new\nline',
    'quo"te\'s `$(x)`',
    'back\\slash',
    'b\xff\xfe',
    '\\xff',
    ' ',
    '-rf',
    '\u202e',
  ].map((name) => Buffer.from(name, name.includes('\xff') ? 'latin1' : 'utf8'))
  const at = (...names: Buffer[]) =>
    Buffer.concat([Buffer.from(world.volume), ...names.flatMap((name) => [Buffer.from('/'), name])])
  for (const folder of folders) {
    mkdirSync(at(folder))
    for (const name of folders) writeFileSync(at(folder, name), `${bytesToText(folder)} ${bytesToText(name)}`)
    symlinkSync(folder, at(folder, Buffer.from('link')))
  }
  const before = contentOf(world.volume)
  const { state, warnings, result } = await world.backUp()
  expect({ state, warnings }).toEqual({ state: 'SUCCESS', warnings: [] })

  const list = (path?: string) => listAll(world, result?.file ?? '', path)
  const texts = folders.map(bytesToText)
  expect((await list()).sort()).toEqual([...texts].sort())
  for (const folder of texts)
    expect((await list(folder)).sort()).toEqual([...texts, 'link'].map((name) => `${folder}/${name}`).sort())

  for (const name of readdirSync(world.volume, { encoding: 'buffer' }))
    rmSync(at(name) as never, { recursive: true })
  expect(await world.recover(result?.file ?? '')).toMatchObject({ state: 'SUCCESS', warnings: [] })
  expect(contentOf(world.volume)).toEqual(before)
  world.expectNothingLeft()
})

interface FilesPage {
  backups: {
    nodes: { files: { nodes: { path: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } }[]
  }
}

const FILES = `query ($names: [ID!], $path: String, $after: String) { backups(filter: { names: $names }) { nodes {
  files(path: $path, first: 3, after: $after) { nodes { path } pageInfo { hasNextPage endCursor } } } } }`

/** The paths in a folder of a backup, by pages of three. */
async function listAll(world: Running, backup: string, path?: string): Promise<string[]> {
  const paths: string[] = []
  for (let after: string | undefined, more = true; more; ) {
    const page: FilesPage = await world.ask<FilesPage>(FILES, { names: [backup], path, after })
    const [files] = page.backups.nodes.map((node) => node.files)
    paths.push(...(files?.nodes ?? []).map((node) => node.path))
    more = files?.pageInfo.hasNextPage ?? false
    after = files?.pageInfo.endCursor
  }
  return paths
}
