import { expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { BackupdError } from '../../../src/lib/errors.ts'
import type { BareDriver } from '../../../src/objects/driver.ts'
import { Patience, type PatienceOptions } from '../../../src/objects/wrap/patience.ts'
import { retryingDriver } from '../../../src/objects/wrap/retrying-driver.ts'
import { collect } from '../../support/collect.ts'
import { memoryDriver, newMemory } from '../../support/memory-driver.ts'

function busy(): BackupdError {
  return new BackupdError('STORE_UNAVAILABLE', 'the store is busy', { facts: { transient: true } })
}

function failing(driver: BareDriver, errors: Error[]): { driver: BareDriver; calls: string[] } {
  const calls: string[] = []
  const fail = (call: string) => {
    calls.push(call)
    const error = errors.shift()
    if (error) throw error
  }
  return {
    calls,
    driver: Object.assign(Object.create(driver) as BareDriver, {
      stat: async (name: string) => {
        fail('stat')
        return driver.stat(name)
      },
      async create(name: string, options: { run: string }) {
        const writer = await driver.create(name, options)
        fail(`create ${options.run}`)
        return writer
      },
      async *names(folder: string) {
        for await (const entry of driver.names(folder)) {
          fail(`names ${entry.name}`)
          yield entry
        }
      },
    }),
  }
}

function patient(driver: BareDriver, options: Partial<PatienceOptions> = {}) {
  return retryingDriver(
    driver,
    new Patience({ clock: systemClock, callMs: 10_000, totalMs: 60_000, ...options }),
  )
}

test('a call is repeated until it succeeds', async () => {
  const { driver, calls } = failing(memoryDriver(), [busy()])
  expect(await patient(driver).stat('a')).toBeUndefined()
  expect(calls).toEqual(['stat', 'stat'])
})

test.each(['NOT_FOUND', 'CONFLICT', 'STORE_FULL', 'STORE_UNAVAILABLE', 'BAD_INPUT'] as const)(
  'an error %s that is not transient is thrown at once',
  async (code) => {
    const { driver, calls } = failing(memoryDriver(), [new BackupdError(code, 'no')])
    await expect(patient(driver).stat('a')).rejects.toMatchObject({ code, message: 'no' })
    expect(calls).toEqual(['stat'])
  },
)

test('a fault of the program is not repeated', async () => {
  const { driver, calls } = failing(memoryDriver(), [new TypeError('x is not a function')])
  await expect(patient(driver).stat('a')).rejects.toThrow(TypeError)
  expect(calls).toEqual(['stat'])
})

test('a call ends with the error and the number of tries when its time is over', async () => {
  const { driver } = failing(memoryDriver(), Array.from({ length: 9 }, busy))
  await expect(patient(driver, { callMs: 700 }).stat('a')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/^the store is busy\. Tried \d times$/),
  })
})

test('an error that says how long it may be tried again ends after that', async () => {
  const facts = { transient: true, retryMs: 700 }
  const gone = () => new BackupdError('STORE_UNAVAILABLE', 'no bucket', { facts })
  const { driver } = failing(memoryDriver(), Array.from({ length: 9 }, gone))
  await expect(patient(driver).stat('a')).rejects.toThrow(/^no bucket\. Tried \d times$/)
})

test('all calls of a run share what they may wait', async () => {
  const { driver, calls } = failing(memoryDriver(), Array.from({ length: 99 }, busy))
  const impatient = patient(driver, { totalMs: 550 })
  for (let asked = 0; asked < 10; asked++) {
    await expect(impatient.stat('a')).rejects.toThrow('the store is busy')
  }
  // No pause is shorter than 250 ms, so that 550 ms are enough for two of them.
  expect(calls.length).toBeLessThanOrEqual(10 + 2)
})

test('a repeated create leaves one unfinished object', async () => {
  const memory = newMemory()
  const { driver, calls } = failing(memoryDriver(memory), [busy()])
  await patient(driver).create('ns/a')
  expect(calls).toHaveLength(2)
  expect(memory.uploads.size).toBe(1)
})

test('a list that fails in its middle has each entry once', async () => {
  const inner = memoryDriver()
  for (const name of ['a', 'b', 'c']) await inner.replace(`ns/${name}`, Buffer.from(name))
  const { driver, calls } = failing(inner, [])
  let seen = 0
  const flaky = Object.assign(Object.create(driver) as BareDriver, {
    async *names(folder: string) {
      for await (const entry of driver.names(folder)) {
        if (++seen === 3) throw busy()
        yield entry
      }
    },
  })
  expect((await collect(patient(flaky).names('ns'))).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(calls.length).toBeGreaterThan(3)
})
