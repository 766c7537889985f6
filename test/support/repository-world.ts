import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import type { Driver } from '../../src/objects/driver.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { seal } from '../../src/restic/codec/crypt.ts'
import { compress } from '../../src/restic/codec/zstd.ts'
import { encodeSnapshot, parseSnapshot } from '../../src/restic/nodes/snapshot-file.ts'
import type { BlobType } from '../../src/restic/repository/blob-place.ts'
import { createRepository } from '../../src/restic/repository/create-repository.ts'
import { openRepository } from '../../src/restic/repository/open-repository.ts'
import type { PackedBlob, PackWriter, Repository } from '../../src/restic/repository/repository.ts'
import { restic } from './restic.ts'
import { IP } from './store-samples.ts'
import { tempDir } from './temp-dir.ts'

export const PASSWORD = 'correct horse'
export const REPOSITORY = `${IP}/repo`

/** A folder for a store with one repository, and restic to judge it. */
export function repositoryWorld(driverOf: (dir: string) => Driver = localDriver) {
  const dir = tempDir()
  const path = join(dir, REPOSITORY)
  const passwordFile = join(dir, 'password')
  const warnings: string[] = []
  const clock = { ...systemClock, ms: Date.now(), now: () => clock.ms }
  const place = { driver: driverOf(dir), base: REPOSITORY }
  writeFileSync(passwordFile, PASSWORD)

  const optionsOf = (password: string) => ({
    password: Buffer.from(password),
    clock,
    warn: (message: string) => void warnings.push(message),
  })
  const closedAfter = <R extends Repository>(repository: R): R => {
    onTestFinished(() => repository[Symbol.asyncDispose]())
    return repository
  }
  return {
    ...{ dir, path, passwordFile, warnings, clock, place },
    create: async () => closedAfter(await createRepository(place, optionsOf(PASSWORD))),
    open: async (password = PASSWORD, driver = place.driver) =>
      closedAfter(await openRepository({ ...place, driver }, optionsOf(password))),
    /** Runs restic on the repository; throws where it fails. */
    restic: restic(path, passwordFile),
    /** restic's full check; throws where it finds anything. */
    check: () => restic(path, passwordFile)('check', '--read-data', '--no-lock'),
    /** A folder with files, to have restic back up. */
    folder(files: Record<string, string | Buffer>): string {
      const folder = join(dir, 'volume')
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(join(folder, name, '..'), { recursive: true })
        writeFileSync(join(folder, name), content)
      }
      return folder
    },
  }
}

export type RepositoryWorld = ReturnType<typeof repositoryWorld>

export function idOf(plain: Buffer): Buffer {
  return createHash('sha256').update(plain).digest()
}

/** `plain` as it goes into a pack. */
export function blobOf(repository: Repository, type: BlobType, plain: Buffer, compressed = true): PackedBlob {
  const sealed = seal(repository.key, compressed ? compress(plain) : plain)
  return { type, id: idOf(plain), sealed, plainLength: plain.length, compressed }
}

const WHO = { username: 'root', uid: 0, gid: 0, parent: null, original: null, backupd: null }
const FILE = { mode: 420, mtime: '2026-01-01T00:00:00Z', ctime: '2026-01-01T00:00:00Z', uid: 0, gid: 0 }

/** Puts a folder of files, given by their contents, into packs; the id of its tree. */
export async function addFolder(
  repository: Repository,
  packs: PackWriter,
  files: Record<string, Buffer>,
): Promise<Buffer> {
  const nodes: object[] = []
  for (const name of Object.keys(files).sort()) {
    const content = files[name] ?? Buffer.alloc(0)
    await packs.add(blobOf(repository, 'data', content))
    const id = idOf(content).toString('hex')
    nodes.push({ name, type: 'file', ...FILE, size: content.length, content: [id] })
  }
  const tree = Buffer.from(`${JSON.stringify({ nodes })}\n`)
  await packs.add(blobOf(repository, 'tree', tree))
  return idOf(tree)
}

/** A snapshot of files, given by their contents; its id. */
export async function addSnapshot(repository: Repository, files: Record<string, Buffer>): Promise<string> {
  const packs = repository.beginPacks()
  const tree = await addFolder(repository, packs, files)
  await packs.finish()
  const time = new Date(repository.clock.now()).toISOString()
  const snapshot = { ...WHO, time, tree, paths: ['/data'], hostname: IP, tags: [] }
  return repository.saveUnpacked('snapshots', encodeSnapshot(snapshot))
}

export async function readSnapshot(repository: Repository, id: string) {
  return parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
}

export async function collectIds(ids: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const id of ids) all.push(id)
  return all.sort()
}
