import { expect, it } from 'vitest'
import { parseQuota } from '../../../../src/objects/drivers/moosefs/quota.ts'

interface Set {
  length: number
  size: number
  realSize: number
}
const NONE: Set = { length: 0, size: 0, realSize: 0 }

function answer(flags: number, soft: Set, hard: Set, used: Set): Buffer {
  const set = ({ length, size, realSize }: Set) => {
    const bytes = Buffer.alloc(28)
    bytes.writeBigUInt64BE(BigInt(length), 4)
    bytes.writeBigUInt64BE(BigInt(size), 12)
    bytes.writeBigUInt64BE(BigInt(realSize), 20)
    return bytes
  }
  return Buffer.concat([Buffer.from([flags]), Buffer.alloc(4), set(soft), set(hard), set(used)])
}

const used: Set = { length: 70, size: 80, realSize: 160 }

it('uses the limit that leaves least room', () => {
  const hard: Set = { length: 100, size: 90, realSize: 1000 }
  expect(parseQuota(answer(0x20 | 0x40 | 0x80, NONE, hard, used))).toEqual({
    usedBytes: 80,
    limitBytes: 90,
    isOver: false,
  })
})

it('reports that a soft limit is exceeded', () => {
  expect(parseQuota(answer(0x02, { ...NONE, length: 60 }, NONE, used))).toEqual({
    usedBytes: 70,
    limitBytes: 60,
    isOver: true,
  })
})

it('knows no quota if none limits bytes, or the answer is a refusal', () => {
  expect(parseQuota(answer(0x10, NONE, NONE, used))).toBeNull()
  expect(parseQuota(Buffer.from([1]))).toBeNull()
})
