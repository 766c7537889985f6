import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  AuditPageDocument,
  AuthoritiesDocument,
  RetireAuthorityDocument,
  RotateAuthorityDocument,
} from '../../src/client/generated/operations.ts'
import type { MigrateInput, RecoverInput } from '../support/client/generated/operations.ts'
import {
  BackupsDocument,
  JobsDocument,
  MigrateDocument,
  RecordDocument,
  RecoverDocument,
  RunJobDocument,
  ServersDocument,
} from '../support/client/generated/operations.ts'
import { ONE, readDaemonPair, startEnrolling, TWO } from '../support/enrolled-daemon.ts'
import { recordedEntity, writeRecordedMeta } from '../support/recorded-store.ts'

/** Whoever can write in the store can change an archive, its index and its manifest so that all checksums are right again. */

const PATIENCE = { timeout: 40_000 }
type Fields = Record<string, unknown>

async function startSigning({ enrols = true } = {}) {
  const world = await startEnrolling({ isLegacyPeer: () => true })
  const joinToken = enrols ? await world.invite(ONE) : undefined
  const one = await world.startDaemon(ONE, { joinToken })
  await world.startDaemon(TWO, { joinToken: await world.invite(TWO) })
  const { execute, folder } = world
  const expectReachable = () =>
    expect
      .poll(
        async () => (await execute(ServersDocument, {})).servers.every(({ reachable }) => reachable),
        PATIENCE,
      )
      .toBe(true)
  await expectReachable()
  const ended = async (rid: string) => {
    const read = async () => (await execute(RecordDocument, { rid })).record
    await expect.poll(async () => (await read())?.state, PATIENCE).toMatch(/SUCCESS|FAILED|PARTIAL/)
    return await read()
  }
  /** Returns the name of a new full backup. */
  const backUp = async (server: string) => {
    const { jobs } = await execute(JobsDocument, { filter: { server, action: 'backup', mode: 'FULL' } })
    const { runJob } = await execute(RunJobDocument, { id: jobs[0]?.id ?? '' })
    await ended(runJob.rid)
    const { backups } = await execute(BackupsDocument, { filter: { server } })
    return (
      backups.nodes
        .map(({ name }) => name)
        .sort()
        .at(-1) ?? ''
    )
  }
  const recover = async (backup: string, more: Partial<RecoverInput> = {}) => {
    const input = { app: 'hello', proc: 'web', backup, server: ONE, ...more }
    return await ended((await execute(RecoverDocument, { input })).recover.rid)
  }
  const migrate = async (backup: string, more: Partial<MigrateInput> = {}) => {
    const input = { app: 'hello', proc: 'web', backup, server: ONE, to: 2, volume: '/data/db', ...more }
    return await ended((await execute(MigrateDocument, { input })).migrate.rid)
  }
  const fileOf = (name: string) => join(folder, 'store', ONE, name)
  const readManifest = (name: string) => JSON.parse(readFileSync(fileOf(`${name}.manifest.json`), 'utf8'))
  /** As an attacker does it: the checksum of the manifest is right. */
  const writeManifest = (name: string, { checksum: _old, ...fields }: Fields) => {
    const checksum = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    writeFileSync(fileOf(`${name}.manifest.json`), JSON.stringify({ ...fields, checksum }))
  }
  const volumeOf = (no: number) => join(folder, `volumes/hello/hello.web.web/${no}/data/db/a.txt`)
  return {
    ...{ ...world, one, backUp, recover, migrate, fileOf, readManifest, writeManifest, volumeOf },
    expectReachable,
  }
}

/** Replaces the archive by another one, and its sizes and hashes in the manifest. */
function swapArchive(
  { fileOf, readManifest, writeManifest }: Awaited<ReturnType<typeof startSigning>>,
  name: string,
) {
  const archive = gzipSync(Buffer.alloc(10240))
  writeFileSync(fileOf(name), archive)
  const sha256 = createHash('sha256').update(archive).digest('hex')
  rmSync(fileOf(`${name}.index.gz`), { force: true })
  writeManifest(name, { ...readManifest(name), size: archive.length, sha256, index: null, tarBytes: 10240 })
}

const REFUSED = { state: 'FAILED', error: { code: 'SIGNATURE_BAD' } }

test('a daemon signs its backups, which are recovered on it and on another server without a warning', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  const { signature } = world.readManifest(name)
  expect(signature).toMatchObject({ version: 1, certificate: readDaemonPair(world.folder, ONE).certificate })
  await writeFile(world.volumeOf(1), 'changed')
  expect(await world.recover(name)).toMatchObject({ state: 'SUCCESS', warnings: [] })
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
  expect(await world.migrate(name)).toMatchObject({ state: 'SUCCESS', warnings: [] })
  expect(await readFile(world.volumeOf(2), 'utf8')).toBe('of 1')
})

test('an altered archive with a manifest that fits is neither planned, recovered nor migrated', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  swapArchive(world, name)
  expect(await world.recover(name, { plan: true })).toMatchObject(REFUSED)
  expect(await world.recover(name)).toMatchObject(REFUSED)
  expect(await world.migrate(name)).toMatchObject(REFUSED)
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
  expect(await readFile(world.volumeOf(2), 'utf8')).toBe('of 2')
})

test('a backup whose signature was removed is refused, unless acceptUnsigned, which the audit has', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  const { signature: _removed, ...rest } = world.readManifest(name)
  world.writeManifest(name, { ...rest, created: '2020-01-01T00:00:00.000Z' })
  const refused = await world.recover(name)
  expect(refused).toMatchObject({ state: 'FAILED', error: { code: 'UNSIGNED' } })
  expect(refused?.reason).toMatch(/acceptUnsigned: true through GraphQL/)
  await writeFile(world.volumeOf(1), 'changed')
  expect(await world.recover(name, { acceptUnsigned: true })).toMatchObject({
    state: 'SUCCESS',
    warnings: [expect.stringMatching(/recovered as asked for with acceptUnsigned/)],
  })
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
  const { audit } = await world.execute(AuditPageDocument, { first: 20 })
  expect(JSON.stringify(audit)).toMatch(/acceptUnsigned/)
})

test('a signature of another backup or of another server does not fit', async () => {
  const world = await startSigning()
  const [first, second] = [await world.backUp(ONE), await world.backUp(ONE)]
  const other = await world.backUp(TWO)
  const read = (ip: string, name: string) =>
    JSON.parse(readFileSync(join(world.folder, 'store', ip, `${name}.manifest.json`), 'utf8'))
  const { signature } = read(ONE, first)
  world.writeManifest(second, { ...read(ONE, second), signature })
  expect(await world.recover(second)).toMatchObject(REFUSED)
  // All of a backup of the other server, under a name of this one.
  const ofTwo = read(TWO, other)
  copyFileSync(join(world.folder, 'store', TWO, other), world.fileOf(first))
  copyFileSync(join(world.folder, 'store', TWO, `${other}.index.gz`), world.fileOf(`${first}.index.gz`))
  world.writeManifest(first, { ...ofTwo, name: first, server: ONE })
  const refused = await world.recover(first)
  expect(refused).toMatchObject(REFUSED)
  expect(refused?.reason).toMatch(/signed by 127.0.0.3/)
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
})

test('a backup without its manifest, which looks like one of the legacy system, is refused by the time in its name', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  rmSync(world.fileOf(`${name}.manifest.json`))
  expect(await world.recover(name)).toMatchObject({ state: 'FAILED', error: { code: 'UNSIGNED' } })
})

test('a backup whose manifest cannot be read is refused, and the reason says so', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  writeFileSync(world.fileOf(`${name}.manifest.json`), '{')
  const refused = await world.recover(name)
  expect(refused).toMatchObject({ state: 'FAILED', error: { code: 'UNSIGNED' } })
  expect(refused?.reason).toMatch(/its manifest .*so nobody can say whether it is signed/)
  expect(refused?.reason).not.toMatch(/it is not signed/)
})

test('a mirror cannot take the place of a signed backup', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  for (const piece of ['', '.manifest.json', '.index.gz']) rmSync(world.fileOf(`${name}${piece}`))
  mkdirSync(world.fileOf(name))
  writeFileSync(join(world.fileOf(name), 'a.txt'), 'evil')
  const source = join(world.folder, 'volumes/hello/hello.web.web/1/data/db')
  const mirror = { mode: 'increment' as const, source, server: ONE, size: 0 }
  writeRecordedMeta(join(world.folder, 'store', ONE), [recordedEntity({ ...mirror, name })])
  const refused = await world.recover(name)
  expect(refused).toMatchObject({ state: 'FAILED', error: { code: 'NOT_FOUND' } })
  expect(refused?.reason).toMatch(/is a folder in the store, and a full backup is a file/)
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
})

test('a daemon whose signers.json is damaged starts, says so, and recovers with acceptUnsigned alone', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  await world.one.close()
  writeFileSync(join(world.folder, `daemon-${ONE}`, 'signers.json'), '{')
  await world.startDaemon(ONE)
  await world.expectReachable()
  const problems = async () => JSON.stringify((await world.execute(ServersDocument, {})).servers)
  await expect.poll(problems, PATIENCE).toMatch(/restore a damaged signers.json from a copy/)
  await expect(world.recover(name)).rejects.toThrow(/signers.json/)
  await writeFile(world.volumeOf(1), 'changed')
  expect(await world.recover(name, { acceptUnsigned: true })).toMatchObject({
    state: 'SUCCESS',
    warnings: [
      expect.stringMatching(/as asked for with acceptUnsigned, although Cannot read .*signers.json/),
    ],
  })
  expect(await readFile(world.volumeOf(1), 'utf8')).toBe('of 1')
})

test('a backup from before the enrolment is recovered with a warning, and what verify notes does not break a signature', async () => {
  const world = await startSigning({ enrols: false })
  const old = await world.backUp(ONE)
  await world.one.close()
  // A name has whole seconds.
  const seconds = Number(/-(\d+)\.tar\.gz$/.exec(old)?.[1])
  await expect.poll(() => Date.now(), PATIENCE).toBeGreaterThan((seconds + 1) * 1000)
  await world.startDaemon(ONE, { joinToken: await world.invite(ONE) })
  await world.expectReachable()
  const signed = await world.backUp(ONE)
  const marks = { verified: '2026-01-01T00:00:00.000Z', holds: ['kept'] }
  world.writeManifest(signed, { ...world.readManifest(signed), ...marks })
  expect(await world.recover(signed)).toMatchObject({ state: 'SUCCESS', warnings: [] })
  expect((await world.recover(old))?.warnings).toEqual([
    expect.stringMatching(/^the backup is not signed: it is from before /),
  ])
})

test('a daemon checks the backups of another server, as the controller says since when that one signs', async () => {
  const world = await startSigning()
  const name = await world.backUp(ONE)
  const since = () => readSigned(world.folder)?.signsSince
  await expect.poll(since, PATIENCE).toBeDefined()
  await world.one.close()
  expect(await world.migrate(name)).toMatchObject({ state: 'SUCCESS', warnings: [] })
  const { signature: _removed, ...rest } = world.readManifest(name)
  world.writeManifest(name, rest)
  expect(await world.migrate(name)).toMatchObject({ state: 'FAILED', error: { code: 'UNSIGNED' } })
})

test('a new daemon with new data accepts what the one before signed under a retired authority, and nothing unsigned', async () => {
  const world = await startSigning()
  const { execute, folder } = world
  const [signed, unsigned] = [await world.backUp(ONE), await world.backUp(ONE)]
  await expect.poll(() => readSigned(folder)?.signsSince, PATIENCE).toBeDefined()
  const before = readSigned(folder)?.signsSince
  await execute(RotateAuthorityDocument, {})
  const lacking = async () => (await execute(AuthoritiesDocument, {})).authorities[1]?.lacking
  await expect.poll(lacking, PATIENCE).toEqual([])
  await execute(RetireAuthorityDocument, { force: false })
  await world.one.close()
  rmSync(join(folder, `daemon-${ONE}`), { recursive: true })
  await world.startDaemon(ONE, { joinToken: await world.invite(ONE, true), takeOver: true })
  await world.expectReachable()
  expect(readSigned(folder)?.signsSince).toBe(before)
  expect(await world.recover(signed)).toMatchObject({ state: 'SUCCESS', warnings: [] })
  const { signature: _removed, ...rest } = world.readManifest(unsigned)
  world.writeManifest(unsigned, rest)
  expect(await world.recover(unsigned)).toMatchObject({ state: 'FAILED', error: { code: 'UNSIGNED' } })
})

/** What the controller has on disk of the first server. */
function readSigned(folder: string): { signsSince?: string } | undefined {
  const { servers } = JSON.parse(readFileSync(join(folder, 'controller/enrolments.json'), 'utf8'))
  return servers.find(({ ip }: { ip: string }) => ip === ONE)
}
