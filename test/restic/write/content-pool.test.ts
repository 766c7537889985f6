import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { messageOf } from '../../../src/lib/errors.ts'
import { ContentPool } from '../../../src/restic/write/content-pool.ts'
import { given } from '../../support/given.ts'

const FILES = 100
const LENGTH = 100
const JOBS = 40

test('threads that are ended during their work end, and the process continues', async () => {
  const { repository } = await given.repository()
  const packs = repository.beginPacks()
  for (let round = 0; round < 8; round++) {
    const begun = Promise.withResolvers<void>()
    const pool = new ContentPool({ repository, packs, workers: 4, onBytes: () => begun.resolve() })
    const outcomes = Array.from({ length: JOBS }, () => {
      const job = pool.run({ kind: 'small', data: smallFiles(), lengths: Array(FILES).fill(LENGTH) })
      return job.then(() => 'done', messageOf)
    })
    await begun.promise
    await setTimeout(Math.random() * 5)
    await pool.close()
    expect(['done', 'the threads were ended']).toEqual(expect.arrayContaining(await Promise.all(outcomes)))
    expect(() => pool.room()).toThrow('the threads were ended')
  }
  await packs.abandon()
})

/** No two alike, and each worth compressing. */
function smallFiles(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(randomBytes((FILES * LENGTH) / 2).toString('hex')))
}
