import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { digestSample, Samples, wholeSample } from '../../../../src/objects/drivers/moosefs/samples.ts'

function taken(chunks: Buffer[]) {
  const samples = new Samples()
  for (const chunk of chunks) samples.add(chunk)
  return samples.taken()
}

it('takes the first and the last 64 KiB, and pieces in between, as they were written', () => {
  const chunks = Array.from({ length: 100 }, () => randomBytes(100_000))
  const all = Buffer.concat(chunks)
  const samples = taken(chunks)
  expect(samples).toHaveLength(16)
  expect(samples[0]).toMatchObject({ position: 0, length: 65_536 })
  expect(samples.at(-1)).toMatchObject({ position: all.length - 65_536, length: 65_536 })
  for (const { position, length, sha256 } of samples)
    expect(digestSample(all.subarray(position, position + length))).toBe(sha256)
})

it('takes all of a small object', () => {
  const samples = taken([Buffer.from('hello'), Buffer.alloc(0), Buffer.from(' world')])
  expect(samples.map(({ position, length }) => [position, length])).toContainEqual([0, 5])
  expect(samples.map(({ position, length }) => [position, length])).toContainEqual([5, 6])
  expect(wholeSample(Buffer.from('hello'))).toEqual([
    { position: 0, length: 5, sha256: digestSample(Buffer.from('hello')) },
  ])
})

it('takes nothing of an empty object', () => {
  expect(taken([])).toEqual([])
})
