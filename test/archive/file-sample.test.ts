import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { compareSamples, FileSampler } from '../../src/archive/file-sample.ts'

/** Files `<prefix>0`, `<prefix>1`, … with this content, in a random order of names. */
function sample(count: number, contentOf: (n: number) => string, nameOf = (n: number) => `dir/file-${n}`) {
  const sampler = new FileSampler()
  for (let n = 0; n < count; n++)
    sampler.add(Buffer.from(nameOf(n)), createHash('sha256').update(contentOf(n)).digest('hex'))
  return sampler.toText()
}

const same = (n: number) => `content ${n}`

test('the same files do not differ, however many they are', () => {
  for (const count of [16, 128, 129, 50_000])
    expect(compareSamples(sample(count, same), sample(count, same))).toBe(0)
})

test('of few files, the share of changed ones is exact', () => {
  const changed = sample(100, (n) => (n < 37 ? 'other' : same(n)))
  expect(compareSamples(sample(100, same), changed)).toBe(0.37)
})

test('of many files, the share of changed ones is known to a few percent', () => {
  const changed = sample(20_000, (n) => (n % 20 === 0 ? same(n) : 'encrypted'))
  expect(compareSamples(sample(20_000, same), changed)).toBeGreaterThan(0.88)
  expect(compareSamples(sample(20_000, same), changed)).toBeLessThan(1)
})

test('files that are gone, and files that were renamed, count as changed', () => {
  expect(compareSamples(sample(40, same), sample(10, same))).toBe(0.75)
  expect(compareSamples(sample(40, same), sample(0, same))).toBe(1)
  const renamed = sample(5000, same, (n) => `dir/file-${n}.locked`)
  expect(compareSamples(sample(5000, same), renamed)).toBe(1)
})

test('new files do not count', () => {
  expect(compareSamples(sample(1000, same), sample(2000, same))).toBe(0)
})

test('nothing is said where too few files can be compared', () => {
  expect(
    compareSamples(
      sample(15, same),
      sample(15, () => 'other'),
    ),
  ).toBeNull()
  expect(compareSamples(sample(200, same), sample(100_000, same))).toBeNull()
  expect(compareSamples('', sample(100, same))).toBeNull()
  expect(compareSamples('not base64 at all!', sample(100, same))).toBeNull()
})

test('a file that is added twice counts as it was at last', () => {
  const sampler = new FileSampler()
  for (let n = 0; n < 200; n++) {
    sampler.add(Buffer.from(`dir/file-${n}`), 'ab'.repeat(32))
    sampler.add(Buffer.from(`dir/file-${n}`), createHash('sha256').update(same(n)).digest('hex'))
  }
  expect(sampler.toText()).toBe(sample(200, same))
})

test('a sample takes less than two KiB', () => {
  expect(sample(100_000, same).length).toBeLessThan(2048)
})
