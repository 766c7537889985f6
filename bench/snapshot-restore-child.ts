import { readFileSync } from 'node:fs'
import { built, openBuiltDriver } from './open-built-driver.ts'

/**
 * Restores a snapshot of the repository `repo`, or argv[5], in the store argv[2] (see open-built-driver.ts) into argv[4],
 * and prints time and memory as JSON. argv[3] is the file with the password. Of the built program, as runners are.
 */
const { systemClock } = await built<typeof import('../src/lib/clock.ts')>('lib/clock')
const { parseSnapshot } = await built<typeof import('../src/restic/nodes/snapshot-file.ts')>(
  'restic/nodes/snapshot-file',
)
const { volumeTree } =
  await built<typeof import('../src/restic/read/volume-tree.ts')>('restic/read/volume-tree')
const { openRepository } = await built<typeof import('../src/restic/repository/open-repository.ts')>(
  'restic/repository/open-repository',
)
const { restoreTree } = await built<typeof import('../src/restic/restore/restore-tree.ts')>(
  'restic/restore/restore-tree',
)
const { applyRootMetadata } = await built<typeof import('../src/volume/tree/write.ts')>('volume/tree/write')
const [, , store = '', passwordFile = '', target = '', base = 'repo'] = process.argv
let warnings = 0
const place = { driver: await openBuiltDriver(store), base }
const password = Buffer.from(readFileSync(passwordFile, 'utf8').trim())
await using repository = await openRepository(place, { password, clock: systemClock, warn: console.error })
await repository.loadIndex()
const { root, ...summary } = await restoreTree({
  source: repository,
  volume: await volumeTree(repository, await anySnapshot()),
  target,
  signal: new AbortController().signal,
  onProgress: () => {},
  onWarning: () => warnings++,
})
if (root) await applyRootMetadata(target, root)
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ ...summary, warnings, peakMiB: Math.round(maxRSS / 1024) }))

async function anySnapshot() {
  for await (const id of repository.listUnpacked('snapshots')) {
    return parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
  }
  throw new Error('there is no snapshot')
}
