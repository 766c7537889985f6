import { systemClock } from '../src/lib/clock.ts'
import type { RepositoryPlace } from '../src/restic/repository/repository.ts'
import { built, openBuiltDriver } from './open-built-driver.ts'

/**
 * Makes a snapshot of argv[3] in the store argv[2] (see open-built-driver.ts), on top of the newest, and prints time and
 * memory as JSON; without argv[3], it only creates the repository. A process of its own, as a runner is, and of the
 * built program, as runners are.
 */
const [, , store = '', volume = ''] = process.argv
const { createRepository } = await built<typeof import('../src/restic/repository/create-repository.ts')>(
  'restic/repository/create-repository',
)
const { openRepository, repositoryExists } = await built<
  typeof import('../src/restic/repository/open-repository.ts')
>('restic/repository/open-repository')
const { parseSnapshot } = await built<typeof import('../src/restic/nodes/snapshot-file.ts')>(
  'restic/nodes/snapshot-file',
)
const { makeSnapshot } = await built<typeof import('../src/restic/write/make-snapshot.ts')>(
  'restic/write/make-snapshot',
)

const place: RepositoryPlace = { driver: await openBuiltDriver(store), base: 'repo' }
const options = {
  password: Buffer.from('benchmark'),
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
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ ...summary, peakMiB: Math.round(maxRSS / 1024) }))

async function newest() {
  const snapshots = []
  for await (const id of repository.listUnpacked('snapshots')) {
    snapshots.push({ id, snapshot: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)) })
  }
  return snapshots.toSorted((a, b) => (a.snapshot.time < b.snapshot.time ? -1 : 1)).at(-1) ?? null
}
