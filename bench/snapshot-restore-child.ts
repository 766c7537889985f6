import { readFileSync } from 'node:fs'
import { systemClock } from '../src/lib/clock.ts'
import { localDriver } from '../src/storage/drivers/local.ts'
import { parseSnapshot } from '../src/storage/snapshot/nodes/snapshot-file.ts'
import { volumeTree } from '../src/storage/snapshot/read/volume-tree.ts'
import { openRepository } from '../src/storage/snapshot/repository/open-repository.ts'
import { restoreTree } from '../src/storage/snapshot/restore/restore-tree.ts'
import { applyRootMetadata } from '../src/storage/tree/write.ts'

/** Restores the one snapshot of the repository argv[2] into argv[4] and prints as JSON what it took. argv[3] is the file with the password. */
const [, , repositoryPath = '', passwordFile = '', target = ''] = process.argv
let warnings = 0
const slash = repositoryPath.lastIndexOf('/')
const place = { driver: localDriver(repositoryPath.slice(0, slash)), base: repositoryPath.slice(slash + 1) }
const password = Buffer.from(readFileSync(passwordFile, 'utf8').trim())
await using repository = await openRepository(place, { password, clock: systemClock, warn: console.error })
await repository.loadIndex()
const { root, ...summary } = await restoreTree({
  source: repository,
  volume: await volumeTree(repository, await onlySnapshot()),
  target,
  signal: new AbortController().signal,
  onProgress: () => {},
  onWarning: () => warnings++,
})
if (root) await applyRootMetadata(target, root)
const { maxRSS } = process.resourceUsage()
console.log(JSON.stringify({ ...summary, warnings, peakMiB: Math.round(maxRSS / 1024) }))

async function onlySnapshot() {
  for await (const id of repository.listUnpacked('snapshots')) {
    return parseSnapshot(id, await repository.loadUnpacked('snapshots', id))
  }
  throw new Error('there is no snapshot')
}
