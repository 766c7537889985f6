import { systemClock } from '../src/lib/clock.ts'
import { parseSnapshot } from '../src/restic/nodes/snapshot-file.ts'
import { createRepository } from '../src/restic/repository/create-repository.ts'
import { openRepository, repositoryExists } from '../src/restic/repository/open-repository.ts'
import type { RepositoryPlace } from '../src/restic/repository/repository.ts'
import { makeSnapshot } from '../src/restic/write/make-snapshot.ts'
import { openDriverOf } from './open-driver-of.ts'
import { PASSWORD } from './password.ts'
import { peakMiB } from './peak-memory.ts'

/**
 * Makes a snapshot of argv[3] in the store argv[2] (see open-driver-of.ts), on top of the newest, and prints time and
 * memory as JSON; without argv[3], it only creates the repository. A process of its own, as a runner is, and
 * bundled, as runners are.
 */
const [, , store = '', volume = ''] = process.argv
const place: RepositoryPlace = { driver: await openDriverOf(store), base: 'repo' }
const options = {
  password: Buffer.from(PASSWORD),
  clock: systemClock,
  warn: (message: string) => console.error(message),
}
await using repository = (await repositoryExists(place))
  ? await openRepository(place, options)
  : await createRepository(place, options)
if (volume === '') process.exit(0)
const { signal } = new AbortController()
const { tree: _tree, ...summary } = await makeSnapshot({
  repository,
  lock: { signal, assertHeld: async () => {} },
  volume,
  parent: await newest(),
  hostname: 'benchmark',
  time: new Date(),
  describe: ({ files, bytes, entries, root, notKept, bytesAdded: added }) => ({
    tags: [],
    facts: {
      ...{ files, bytes, entries, root, notKept, added, sequence: 1, state: 'success', suspect: null },
      ...{ format: 1, app: '', proc: '', volume: '', instanceNo: 1, containers: [], jobId: '' },
      inodeFlags: true,
      ...{ warnings: [], warningCount: 0, durability: 'synced', writer: 'benchmark' },
    },
  }),
  signal,
  onProgress: () => {},
  onWarning: ({ path, message }) => console.error(`${path}: ${message}`),
})
console.log(JSON.stringify({ ...summary, peakMiB: peakMiB() }))

async function newest() {
  const snapshots = []
  for await (const id of repository.listUnpacked('snapshots')) {
    snapshots.push({ id, snapshot: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)) })
  }
  return snapshots.toSorted((a, b) => (a.snapshot.time < b.snapshot.time ? -1 : 1)).at(-1) ?? null
}
