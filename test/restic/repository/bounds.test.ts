import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ErrorCode } from '../../../src/lib/error-codes.ts'
import { BackupdError } from '../../../src/lib/errors.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { newKey, SEAL_OVERHEAD, seal } from '../../../src/restic/codec/crypt.ts'
import { compress } from '../../../src/restic/codec/zstd.ts'
import { sealConfig } from '../../../src/restic/repository/config.ts'
import { checkRow, rowJson, scanUsualRow } from '../../../src/restic/repository/index-row.ts'
import { sweepTemporary } from '../../../src/restic/repository/layout.ts'
import { lockRepository } from '../../../src/restic/repository/lock.ts'
import { encodeHeader } from '../../../src/restic/repository/pack-header.ts'
import { lockForReading } from '../../../src/restic/repository/read-lock.ts'
import { streamBlob } from '../../../src/restic/repository/stream-blob.ts'
import { packed } from '../../support/bombs.ts'
import { type FaultyDriver, faultyDriver } from '../../support/faulty-driver.ts'
import { given } from '../../support/given.ts'
import { parseHeader } from '../../support/pack-headers.ts'
import { idOf } from '../../support/repository-content.ts'

const MIB = 1 << 20
const MINUTE = 60_000
const { signal } = new AbortController()

describe('the header of a pack', () => {
  test('has all blobs in their order', () => {
    const rows = (['data', 'tree'] as const).flatMap((type) =>
      [false, true].map((compressed) => ({
        type,
        compressed,
        id: idOf(Buffer.from(`${type} ${compressed}`)),
        offset: 0,
        length: 100,
        plainLength: compressed ? 500 : 100 - SEAL_OVERHEAD,
      })),
    )
    const header = encodeHeader(rows)
    expect(parseHeader(header)).toEqual(rows.map((row, n) => ({ ...row, offset: n * 100 })))
  })
})

test('a blob of an index that is shorter than its MAC, or too large, is refused', () => {
  const row = {
    type: 'data' as const,
    id: idOf(Buffer.alloc(0)),
    offset: 7,
    compressed: false,
    plainLength: 0,
  }
  const read = (length: number) => {
    const json = rowJson({ ...row, length })
    return {
      usual: scanUsualRow(Buffer.from(json), 0)?.row.length,
      parse: () => checkRow(JSON.parse(json)).length,
    }
  }
  for (const length of [SEAL_OVERHEAD, 2 ** 32 - 1]) {
    expect(read(length).usual).toBe(length)
    expect(read(length).parse()).toBe(length)
  }
  for (const length of [SEAL_OVERHEAD - 1, 2 ** 32]) {
    expect(read(length).usual).toBeUndefined()
    expect(read(length).parse).toThrow(SyntaxError)
  }
})

test('a streamed tree is checked against its id at its end', async () => {
  const key = newKey()
  const plain = Buffer.alloc(2 * MIB, 'x')
  const source = packed(key, seal(key, compress(plain))).of(plain.length)
  const read = async (id: Buffer) => {
    let length = 0
    for await (const piece of streamBlob(source, 'tree', id)) length += piece.length
    return length
  }
  expect(await read(idOf(plain))).toBe(plain.length)
  await expect(read(idOf(Buffer.from('another')))).rejects.toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    message: expect.stringContaining('its content does not match its id'),
  })
})

test.each([
  ['of an older format', { version: 1 }, 'CONFLICT', 'restic migrate upgrade_repo_v2'],
  ['of a newer format', { version: 3 }, 'CONFLICT', 'has format 3, expected 2'],
  ['with a polynomial that files cannot be cut by', { polynomial: 4n }, 'REPOSITORY_DAMAGED', 'polynomial'],
])('a config %s is refused with the reason', async (_, change, code, words) => {
  const { repository, open, path } = await given.repository()
  const { key, id, polynomial } = repository
  writeFileSync(join(path, 'config'), sealConfig(key, { version: 2, id, polynomial, ...change }))
  await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
})

test('among temporary files only those with our names are removed', async () => {
  const { path, place } = await given.repository()
  const ours = 'backupd-00000000-0000-4000-8000-000000000000'
  for (const name of [ours, 'of-restic', `${ours}.txt`]) writeFileSync(join(path, 'tmp', name), '')
  expect(await sweepTemporary(place)).toEqual([`${place.base}/tmp/${ours}`])
  expect(readdirSync(join(path, 'tmp')).sort()).toEqual([`${ours}.txt`, 'create.lock', 'of-restic'])
})

test.each([
  [29, false],
  [31, true],
])('a lock that was not refreshed for %i minutes counts as stale: %s', async (minutes, stale) => {
  const { repository, clock, dir } = await given.repository()
  const time = new Date(clock.ms - minutes * MINUTE).toISOString()
  await repository.saveUnpacked('locks', Buffer.from(JSON.stringify({ time, exclusive: true })))
  const options = { exclusive: false, dataDir: `${dir}/daemon`, waitMs: 0, signal }
  await expect(lockRepository(repository, options)).rejects.toMatchObject({ facts: { stale } })
})

describe('a reader', () => {
  async function readingWorld() {
    const drivers: FaultyDriver[] = []
    const world = await given.repository({
      driverOf: (dir) => {
        const driver = faultyDriver(localDriver(dir))
        drivers.push(driver)
        return driver
      },
    })
    const { repository } = world
    const heard: string[] = []
    const lock = async () => {
      const held = await lockForReading(repository, {
        dataDir: `${world.dir}/daemon`,
        waitMs: 0,
        signal,
        tickMs: 5,
        warn: (message) => void heard.push(message),
      })
      onTestFinished(() => held[Symbol.asyncDispose]())
      return held
    }
    return { ...world, repository, driver: drivers[0] as FaultyDriver, heard, lock }
  }

  test.each<[string, ErrorCode, Record<string, string>]>([
    ['is full', 'STORE_FULL', {}],
    ['is read-only', 'STORE_UNAVAILABLE', { errno: 'EROFS' }],
  ])('a store that %s is read without a lock, with a warning', async (_, code, facts) => {
    const { driver, heard, lock } = await readingWorld()
    driver.fail('createIn').with(new BackupdError(code, 'no lock can be made', { facts }))
    expect((await lock()).isHeld()).toBe(false)
    expect(heard).toEqual([expect.stringContaining('It is read without a lock')])
  })

  test('is told that the store does not answer', async () => {
    const { driver, heard, lock } = await readingWorld()
    driver
      .fail('createIn')
      .with(new BackupdError('STORE_UNAVAILABLE', 'it is gone', { facts: { errno: 'EIO' } }))
    await expect(lock()).rejects.toThrow('it is gone')
    expect(heard).toEqual([])
  })

  test('notices that somebody removed its lock', async () => {
    const { repository, clock, path, lock } = await readingWorld()
    const held = await lock()
    expect(held.isHeld()).toBe(true)
    for (const id of readdirSync(join(path, 'locks'))) await repository.removeUnpacked('locks', id)
    clock.ms += 6 * MINUTE
    await expect.poll(() => held.isHeld()).toBe(false)
  })
})
