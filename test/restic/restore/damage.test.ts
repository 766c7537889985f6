import { expect, test } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import { Damage } from '../../../src/restic/restore/damage.ts'

const pack = 'a'.repeat(64)
const corrupt = new BackupdError('SNAPSHOT_CORRUPT', 'damaged', { facts: { pack } })

test('damage is collected by path, with its packs', () => {
  const damage = new Damage()
  expect(damage.found).toBe(false)
  for (const path of ['one', 'two', 'one']) damage.add(Buffer.from(path), corrupt)
  expect(damage.found).toBe(true)
  expect(damage.asError()).toMatchObject({
    code: 'SNAPSHOT_CORRUPT',
    facts: { packs: [pack], files: ['one', 'two'], count: 2 },
  })
})

test.each([new BackupdError('STORE_UNAVAILABLE', 'the store is gone'), new Error('a fault of ours')])(
  '%s is no damage of the snapshot',
  (error) => {
    const damage = new Damage()
    expect(() => damage.add(Buffer.from('one'), error)).toThrow(error)
    expect(damage.found).toBe(false)
  },
)
