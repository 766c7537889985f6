import { systemClock } from '../../src/lib/clock.ts'
import type { Driver } from '../../src/objects/driver.ts'
import { parseSnapshot } from '../../src/restic/nodes/snapshot-file.ts'
import { forgetSnapshots } from '../../src/restic/prune/forget.ts'
import { prune } from '../../src/restic/prune/prune.ts'
import type { Lock } from '../../src/restic/repository/held-lock.ts'
import { lockRepository } from '../../src/restic/repository/lock.ts'
import { openRepository } from '../../src/restic/repository/open-repository.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { makeSnapshot } from '../../src/restic/write/make-snapshot.ts'
import { FACTS, PASSWORD, REPOSITORY } from './repository-samples.ts'
import { IP } from './store-samples.ts'

export type Task = 'backup' | 'forget' | 'prune'

const signal = new AbortController().signal
/** How many snapshots a forget keeps. */
const KEPT = 3

/** Opens the repository of the store behind `driver`. */
export function openForTasks(driver: Driver): Promise<Repository> {
  const options = { password: Buffer.from(PASSWORD), clock: systemClock, warn: () => {} }
  return openRepository({ driver, base: REPOSITORY }, options)
}

/** One run of the daemon whose store is `dir`, with its lock. */
export async function runTask(task: Task, dir: string, repository: Repository): Promise<void> {
  const acquireLock = ({ exclusive }: { exclusive: boolean }) =>
    lockRepository(repository, { exclusive, dataDir: `${dir}/daemon`, waitMs: 0, signal })
  if (task === 'backup') {
    await using lock = await acquireLock({ exclusive: false })
    await backUp(repository, lock, `${dir}/volume`)
  } else if (task === 'forget') {
    const points = await pointsOf(repository)
    await forgetSnapshots(
      repository,
      points.slice(0, -KEPT).map(({ id }) => id),
      { acquireLock },
    )
  } else {
    await prune(repository, { acquireLock, signal, pause: async () => {}, maxUnused: 0, sliceBytes: 100_000 })
  }
}

/** All snapshots, oldest first. */
export async function pointsOf(repository: Repository) {
  const ids = await Array.fromAsync(repository.listUnpacked('snapshots'))
  const points = await Promise.all(
    ids.map(async (id) => ({
      id,
      snapshot: parseSnapshot(id, await repository.loadUnpacked('snapshots', id)),
    })),
  )
  return points.sort((a, b) => Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time))
}

async function backUp(repository: Repository, lock: Lock, volume: string): Promise<void> {
  await makeSnapshot({
    repository,
    lock,
    volume,
    signal,
    hostname: IP,
    time: new Date(),
    workers: 1,
    parent: (await pointsOf(repository)).at(-1) ?? null,
    describe: () => ({ tags: ['backup=test'], facts: FACTS }),
    onProgress: () => {},
    onWarning: ({ message }) => {
      throw new Error(message)
    },
  })
}
