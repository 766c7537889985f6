import { readFileSync } from 'node:fs'
import { systemClock } from '../src/lib/clock.ts'
import { parseSnapshot } from '../src/restic/nodes/snapshot-file.ts'
import { volumeTree } from '../src/restic/read/volume-tree.ts'
import { openRepository } from '../src/restic/repository/open-repository.ts'
import { restoreTree } from '../src/restic/restore/restore-tree.ts'
import { applyRootMetadata } from '../src/volume/tree/write.ts'
import { openDriverOf } from './open-driver-of.ts'
import { peakMiB } from './peak-memory.ts'

/**
 * Restores a snapshot of the repository `repo`, or argv[5], in the store argv[2] (see open-driver-of.ts) into argv[4],
 * and prints time and memory as JSON. argv[3] is the file with the password. Bundled, as runners are.
 */
const [, , store = '', passwordFile = '', target = '', base = 'repo'] = process.argv
let warnings = 0
const place = { driver: await openDriverOf(store), base }
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
console.log(JSON.stringify({ ...summary, warnings, peakMiB: peakMiB() }))

async function anySnapshot() {
  for await (const id of repository.listUnpacked('snapshots')) {
    return parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
  }
  throw new Error('there is no snapshot')
}
