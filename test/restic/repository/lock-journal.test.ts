import { readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { localDriver } from '../../../src/objects/drivers/local.ts'
import { lockRepository } from '../../../src/restic/repository/lock.ts'
import type { Repository } from '../../../src/restic/repository/repository.ts'
import { aroundCommit } from '../../support/around-commit.ts'
import { given } from '../../support/given.ts'
import { killAndWait, lockRepositoryInChild } from '../../support/lock-child.ts'

const { signal } = new AbortController()

async function hold(repository: Repository, dataDir: string, exclusive = false) {
  const held = await lockRepository(repository, { exclusive, dataDir, waitMs: 0, signal })
  onTestFinished(() => held[Symbol.asyncDispose]())
  return held
}

function journalsIn(dataDir: string): string[] {
  const folder = join(dataDir, 'repository-locks')
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
}

test('a journal names a lock before the lock exists', async () => {
  const named: boolean[] = []
  const driverOf = (root: string) =>
    aroundCommit(localDriver(root), async (name, commit) => {
      if (name.includes('/locks/')) named.push(journalsIn(`${root}/daemon`).join().includes(basename(name)))
      await commit()
    })
  const { repository, dir } = await given.repository({ driverOf })
  await hold(repository, `${dir}/daemon`)
  expect(named).toEqual([true])
})

test.skipIf(!loadKernel())(
  'a journal that was removed before it was locked is created again (needs libc)',
  async () => {
    const { dir, repository } = await given.repository()
    const kernel = loadKernel()
    const tryLock = kernel?.tryLock
    const folder = join(dir, 'daemon', 'repository-locks')
    let isTaken = false
    if (kernel && tryLock) {
      vi.spyOn(kernel, 'tryLock').mockImplementation((fd) => {
        for (const name of isTaken ? [] : readdirSync(folder)) unlinkSync(join(folder, name))
        isTaken = true
        return tryLock(fd)
      })
      onTestFinished(() => void vi.restoreAllMocks())
    }
    await hold(repository, `${dir}/daemon`)
    expect(isTaken).toBe(true)
    expect(journalsIn(`${dir}/daemon`)).toEqual([expect.stringContaining(repository.id)])
  },
)

test('the journal of a dead run is kept until its repository is locked', async () => {
  const [left, other] = [await given.repository(), await given.repository()]
  const dataDir = `${left.dir}/daemon`
  await killAndWait(await lockRepositoryInChild(left.dir, true))
  await (await hold(other.repository, dataDir))[Symbol.asyncDispose]()
  expect(journalsIn(dataDir)).toEqual([expect.stringContaining(left.repository.id)])
  await hold(left.repository, dataDir, true)
  expect(readdirSync(join(left.path, 'locks'))).toHaveLength(1)
})
