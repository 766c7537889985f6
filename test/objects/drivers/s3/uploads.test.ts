import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { Driver } from '../../../../src/objects/driver.ts'
import { openDriver } from '../../../../src/objects/drivers/open-driver.ts'
import { unfinishedName } from '../../../../src/objects/unfinished.ts'
import type { S3Settings } from '../../../../src/wire/store-settings.ts'
import { collect } from '../../../support/collect.ts'
import { describeSwift } from '../../../support/describe-swift.ts'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { s3Client } from '../../../support/swift.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const MIB = 1024 * 1024
const RUN = `1795425846${'a'.repeat(32)}`

describeSwift('an object on a real Swift', (place) => {
  function open(more: Partial<S3Settings> = {}): Driver {
    return openDriver({ ...place.settings, ...more }, { dataDir: tempDir(), clock: systemClock })
  }

  async function openWithFaults(): Promise<{ driver: Driver; proxy: FaultProxy }> {
    const proxy = await startFaultProxy(place.swift.endpoint)
    return { driver: open({ endpoint: proxy.endpoint }), proxy }
  }

  async function listUploads(): Promise<string[]> {
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    const { Uploads = [] } = await client.listMultipartUploads({ Bucket: place.settings.bucket })
    return Uploads.map(({ Key = '' }) => Key)
  }

  test('of many parts comes back as it was written, in chunks of any size', async () => {
    const driver = open()
    const content = randomBytes(30 * MIB + 12_345)
    const writer = await driver.create('ns/large', { run: RUN })
    for (let at = 0, length = 1; at < content.length; at += length, length = (length * 7) % 3_000_017 || 1)
      await writer.write(content.subarray(at, at + length))
    expect(await writer.sync()).toBe(content.length)
    expect(await driver.stat('ns/large')).toBeUndefined()
    await writer.commit()
    expect(await driver.stat('ns/large')).toMatchObject({ size: content.length })
    await using reader = await driver.open('ns/large')
    const hash = createHash('sha256')
    for (let at = 0; at < reader.size; at += MIB) hash.update(await reader.read(at, MIB))
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'))
    expect(await reader.read(9 * MIB - 5, 10)).toEqual(content.subarray(9 * MIB - 5, 9 * MIB + 5))
    expect((await collect(driver.names('ns'))).map(({ name }) => name)).not.toContain(`large.part-${RUN}`)
  })

  test('that was being written is aborted by its name, and uploads of others stay', async () => {
    const driver = open()
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    await client.createMultipartUpload({ Bucket: place.settings.bucket, Key: 'store/ns/of-somebody-else' })
    const killed = await driver.create('ns/killed', { run: RUN })
    await killed.write(Buffer.alloc(9 * MIB))
    expect(await listUploads()).toContain('store/ns/killed')
    await open().remove(unfinishedName('ns/killed', RUN))
    expect(await listUploads()).not.toContain('store/ns/killed')
    expect(await listUploads()).toContain('store/ns/of-somebody-else')
    await expect(killed.commit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('whose writer was killed before it noted its upload is aborted too', async () => {
    const driver = open()
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    await driver.create('ns/unnoted', { run: RUN })
    await client.createMultipartUpload({ Bucket: place.settings.bucket, Key: 'store/ns/unnoted' })
    await driver.remove(unfinishedName('ns/unnoted', RUN))
    expect(await listUploads()).not.toContain('store/ns/unnoted')
  })

  test('is stored whole although requests fail in every way', async () => {
    const { driver, proxy } = await openWithFaults()
    proxy.fail(/^PUT .*partNumber=1/, 503)
    proxy.fail(/^PUT .*partNumber=2/, 'reset', 2)
    proxy.fail(/^PUT .*partNumber=3/, 'lost')
    proxy.fail(/^POST .*uploads/, 500)
    proxy.fail(/^GET .*uploadId=/, 'cut')
    const content = randomBytes(26 * MIB)
    const writer = await driver.create('ns/stubborn')
    for (let at = 0; at < content.length; at += MIB) await writer.write(content.subarray(at, at + MIB))
    await writer.commit()
    proxy.fail(/^GET .*stubborn/, 'cut')
    proxy.fail(/^HEAD .*stubborn/, 503)
    await using reader = await driver.open('ns/stubborn')
    expect(reader.size).toBe(content.length)
    expect((await reader.read(0, content.length)).equals(content)).toBe(true)
    proxy.assertAllHit()
  })

  test('is recognized if the answer to its commit is lost', async () => {
    const { driver, proxy } = await openWithFaults()
    proxy.fail(/^POST .*lost-large.*uploadId=/, 'lost')
    proxy.fail(/^PUT [^?]*lost-small(\?|$)/, 'lost')
    const large = await driver.create('ns/lost-large')
    await large.write(Buffer.alloc(9 * MIB, 'x'))
    await large.commit()
    const small = await driver.create('ns/lost-small')
    await small.write(Buffer.from('x'))
    await small.commit()
    expect(await driver.stat('ns/lost-large')).toMatchObject({ size: 9 * MIB })
    expect(await driver.stat('ns/lost-small')).toMatchObject({ size: 1 })
    proxy.assertAllHit()
  })

  test('is not committed if the store has another part than was sent', async () => {
    const driver = open()
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    const writer = await driver.create('ns/robbed')
    await writer.write(Buffer.alloc(17 * MIB))
    await writer.sync()
    const { Uploads = [] } = await client.listMultipartUploads({ Bucket: place.settings.bucket })
    const upload = Uploads.find(({ Key }) => Key === 'store/ns/robbed')
    const part = {
      Bucket: place.settings.bucket,
      Key: 'store/ns/robbed',
      UploadId: upload?.UploadId,
      PartNumber: 2,
    }
    await client.uploadPart({ ...part, Body: 'something else' })
    await expect(writer.commit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await driver.stat('ns/robbed')).toBeUndefined()
  })

  test('takes a bounded amount of memory, however large it is', async () => {
    const driver = open()
    const writer = await driver.create('ns/bounded')
    const chunk = randomBytes(MIB)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    for (let n = 0; n < 200; n++) {
      await writer.write(chunk)
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    await writer.abort()
    expect(most).toBeLessThan(80 * MIB)
  })
})
