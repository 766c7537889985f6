import { createHash } from 'node:crypto'
import { seal } from '../../src/restic/codec/crypt.ts'
import { compress } from '../../src/restic/codec/zstd.ts'
import { encodeSnapshot, parseSnapshot } from '../../src/restic/nodes/snapshot-file.ts'
import type { BlobType } from '../../src/restic/repository/blob-place.ts'
import type { PackedBlob, PackWriter, Repository } from '../../src/restic/repository/repository.ts'
import { IP } from './store-samples.ts'

export function idOf(plain: Buffer): Buffer {
  return createHash('sha256').update(plain).digest()
}

/** `plain` in the form in which a pack stores it. */
export function blobOf(repository: Repository, type: BlobType, plain: Buffer, compressed = true): PackedBlob {
  const sealed = seal(repository.key, compressed ? compress(plain) : plain)
  return { type, id: idOf(plain), sealed, plainLength: plain.length, compressed }
}

const WHO = { username: 'root', uid: 0, gid: 0, parent: null, original: null, backupd: null }
const FILE = { mode: 420, mtime: '2026-01-01T00:00:00Z', ctime: '2026-01-01T00:00:00Z', uid: 0, gid: 0 }

/** Puts a folder of files, given by their contents, into packs; returns the id of its tree. */
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

/** A snapshot of files, given by their contents; returns its id. */
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

export async function parentOf(repository: Repository, id: string) {
  return { id, snapshot: await readSnapshot(repository, id) }
}
