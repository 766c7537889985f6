import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { localDriver } from '../../../../src/objects/drivers/local.ts'
import { provenWriter } from '../../../../src/objects/drivers/moosefs/read-back.ts'
import { tempDir } from '../../../support/temp-dir.ts'

it.each(['at once', 'after a sync'])(
  'an object that reads back wrong never gets its name, committed %s',
  async (how) => {
    const dir = tempDir()
    const proven: number[] = []
    const writer = provenWriter(await localDriver(dir).createIn('ns'), async (samples) => {
      proven.push(samples.length)
      throw new Error('reads back wrong')
    })
    await writer.write(Buffer.from('content'))
    if (how === 'after a sync') await expect(writer.sync()).rejects.toThrow('reads back wrong')
    await expect(writer.commit('ns/object')).rejects.toThrow('reads back wrong')
    expect(proven).toHaveLength(1)
    expect(proven[0]).toBeGreaterThan(0)
    await writer.abort()
    expect(readdirSync(join(dir, 'ns'))).toEqual([])
  },
)
