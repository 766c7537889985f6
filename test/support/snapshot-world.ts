import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Driver } from '../../src/objects/driver.ts'
import { parseSnapshot, type SnapshotFacts } from '../../src/restic/nodes/snapshot-file.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { makeSnapshot } from '../../src/restic/write/make-snapshot.ts'
import type { MakeSnapshotInput, SnapshotSummary } from '../../src/restic/write/snapshot-input.ts'
import { repositoryWorld } from './repository-world.ts'
import { IP } from './store-samples.ts'

/** Not on this machine, so that the tree is of the volume alone: a folder above it, such as /tmp, is changed by others. */
export const STILL_PATH = '/not/here/volume'

export type SnapshotOptions = Partial<MakeSnapshotInput> & { from?: string }

/** Of a snapshot of ours that lacks nothing. */
export const FACTS: SnapshotFacts = {
  ...{ format: 1, app: '', proc: '', volume: '', instanceNo: 1, containers: [], jobId: '' },
  ...{ sequence: 1, state: 'success', suspect: null, files: 1, bytes: 1, entries: 1, added: 1 },
  ...{ root: { device: '0:0', mountPoint: false }, warnings: [], warningCount: 0, notKept: [] },
  ...{ durability: 'synced', writer: 'test' },
}

/** For a repository that nobody else uses. */
export const NO_LOCK = { signal: new AbortController().signal, assertHeld: async () => {} }

/** A repository, a volume beside it, and snapshots made of it. Times lie ahead, so that nothing is too young to trust. */
export function snapshotWorld(driverOf?: (dir: string) => Driver) {
  const world = repositoryWorld(driverOf)
  const volume = join(world.dir, 'volume')
  const warnings: string[] = []
  let made = 0
  mkdirSync(volume, { recursive: true })

  return {
    ...world,
    volume,
    /** `severity path: message` of all snapshots. */
    treeWarnings: warnings,
    /** A snapshot on top of `from`, if any. */
    async snapshot(
      repository: Repository,
      { from, ...options }: SnapshotOptions = {},
    ): Promise<SnapshotSummary> {
      made++
      return await makeSnapshot({
        repository,
        lock: NO_LOCK,
        volume,
        parent: from ? await parentOf(repository, from) : null,
        hostname: IP,
        time: new Date(Date.now() + made * 3_600_000),
        describe: () => ({ tags: ['backup=test'], facts: FACTS }),
        signal: new AbortController().signal,
        onProgress: () => {},
        onWarning: ({ severity, path, message }) =>
          void warnings.push(`${severity} ${path.toString('latin1')}: ${message}`),
        ...options,
      })
    },
    /** What restic restores of a snapshot: the folder that stands for the volume. */
    restored(id: string): string {
      const target = join(world.dir, `restored-${id.slice(0, 8)}`)
      world.restic('restore', id, '--target', target)
      return join(target, volume)
    },
  }
}

export async function parentOf(repository: Repository, id: string) {
  return { id, snapshot: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)) }
}

/** Four files in four directories, the volume one of them. */
export function writeSome(volume: string): void {
  mkdirSync(join(volume, 'sub/deep'), { recursive: true })
  mkdirSync(join(volume, 'sub/empty'))
  writeFileSync(join(volume, 'large'), randomBytes(9 * 1024 * 1024))
  writeFileSync(join(volume, 'text'), 'text '.repeat(1000))
  writeFileSync(join(volume, 'nothing'), '')
  writeFileSync(join(volume, 'sub/deep/file'), 'deep')
}
