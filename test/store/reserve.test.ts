import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { given } from '../support/given.ts'
import { IP } from '../support/store-samples.ts'

async function reserveWorld() {
  const { dir, store } = await given.store()
  await store.preparePassword()
  await using _repository = await store.ownRepository()
  await store.keepReserve()
  const reserve = join(dir, IP, '.reserve')
  return {
    store,
    reserve,
    hasReserve: () => existsSync(reserve) && statSync(reserve).size === 4 * 1024 * 1024,
  }
}

it.each(['succeeds', 'fails'])(
  'the reserve is given up for what needs room, and exists again when that %s',
  async (how) => {
    const { store, reserve, hasReserve } = await reserveWorld()
    expect(hasReserve()).toBe(true)
    let tries = 0
    const done = store.withReserve(async () => {
      if (++tries === 1) throw new BackupdError('STORE_FULL', 'The store is full')
      expect(existsSync(reserve)).toBe(false)
      if (how === 'fails') throw new Error('another reason')
    })
    if (how === 'fails') await expect(done).rejects.toThrow('another reason')
    else await done
    expect(tries).toBe(2)
    expect(hasReserve()).toBe(true)
  },
)
