import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { forgetSnapshots } from '../../../src/restic/prune/forget.ts'
import { prune } from '../../../src/restic/prune/prune.ts'
import { LOCK_RETRY_MS, lockRepository } from '../../../src/restic/repository/lock.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { given } from '../../support/given.ts'
import { addSnapshot, collectIds } from '../../support/repository-content.ts'

const signal = new AbortController().signal

test('a backup that waits for its lock gets it between two slices of a prune, and its data stays', async () => {
  const { repository, open, dir } = await given.repository()
  for (let n = 0; n < 6; n++) {
    await addSnapshot(repository, { shared: Buffer.from('shared'), [`own ${n}`]: Buffer.from(`own ${n}`) })
  }
  const acquireLock = (of: Repository, waitMs: number) => (how: { exclusive: boolean }) =>
    lockRepository(of, { ...how, dataDir: `${dir}/daemon`, waitMs, signal })
  const old = (await collectIds(repository.listUnpacked('snapshots'))).slice(0, 5)
  await forgetSnapshots(repository, old, { acquireLock: acquireLock(repository, 0) })

  const order: string[] = []
  const other = await open()
  async function backUp(): Promise<void> {
    await using _lock = await acquireLock(other, 60_000)({ exclusive: false })
    order.push('backup')
    await addSnapshot(other, { shared: Buffer.from('shared'), fresh: Buffer.from('own 3') })
  }
  let backup: Promise<void> | undefined
  await prune(repository, {
    acquireLock: async (how) => {
      const lock = await acquireLock(repository, 60_000)(how)
      // It comes while the prune has the repository to itself.
      if (how.exclusive) backup ??= backUp()
      return lock
    },
    signal,
    maxUnused: 0,
    sliceBytes: 1,
    pause: () => wait(2 * LOCK_RETRY_MS),
    onProgress: () => order.push('slice'),
  })
  order.push('end')
  await backup
  expect(order.indexOf('backup')).toBeGreaterThan(0)
  expect(order.indexOf('backup')).toBeLessThan(order.indexOf('end'))
  const after = await open()
  await after.loadIndex()
  for (const id of await collectIds(after.listUnpacked('snapshots'))) {
    const { tree } = JSON.parse((await after.loadUnpacked('snapshots', id)).toString())
    const { nodes } = JSON.parse((await after.readBlob('tree', Buffer.from(tree, 'hex'))).toString())
    for (const { content } of nodes) await after.readBlob('data', Buffer.from(content[0], 'hex'))
  }
})
