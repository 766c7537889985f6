import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { openDriver } from '../../../../src/objects/drivers/open-driver.ts'
import { s3Driver } from '../../../../src/objects/drivers/s3/s3.ts'
import { startFaultProxy } from '../../../support/fault-proxy.ts'
import { startS3Model } from '../../../support/s3-model.ts'
import { tempDir } from '../../../support/temp-dir.ts'

// On a model: the real server of the tests refuses these conditions.

test('a store that keeps conditions is asked once whether it does', async () => {
  const { settings, requests } = await startS3Model()
  for (const name of ['a', 'b']) {
    const writer = await s3Driver(settings).createIn('tmp')
    await writer.commit(name)
  }
  expect(requests).toEqual([
    ...['PUT .conditional-writes', 'PUT .conditional-writes', 'PUT a'],
    ...['PUT .conditional-writes', 'PUT b'],
  ])
})

test('an update is refused if another machine replaced the object meanwhile', async () => {
  const { settings, objects } = await startS3Model()
  const driver = s3Driver(settings)
  await driver.update('.owner', () => Buffer.from('mine'))
  const [, mine] = [...objects].find(([key]) => key === '.owner') ?? []
  const between = () => {
    if (mine) objects.set('.owner', { ...mine, content: Buffer.from('theirs'), etag: '"other"' })
    return Buffer.from('mine again')
  }
  await expect(driver.update('.owner', between)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(`${objects.get('.owner')?.content}`).toBe('theirs')
})

test('of two machines that create an object with an update, one is refused', async () => {
  const { settings, objects } = await startS3Model()
  const template = { etag: '"other"', modified: new Date(), metadata: {}, asked: {} }
  const between = () => {
    objects.set('.owner', { ...template, content: Buffer.from('theirs') })
    return Buffer.from('mine')
  }
  await expect(s3Driver(settings).update('.owner', between)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(`${objects.get('.owner')?.content}`).toBe('theirs')
})

test.each([
  ['small', 10, /^PUT .*\/small/],
  ['large', 9 * 1024 * 1024, /^POST .*\/large\?uploadId/],
] as const)('a %s object is recognized if the answer to its commit is lost', async (name, size, request) => {
  const { settings, objects } = await startS3Model()
  const proxy = await startFaultProxy(settings.endpoint ?? '')
  const opener = { dataDir: tempDir(), clock: systemClock }
  const driver = openDriver({ ...settings, endpoint: proxy.endpoint }, opener)
  const writer = await driver.create(name)
  await writer.write(Buffer.alloc(size, 'x'))
  proxy.fail(request, 'lost')
  await writer.commit()
  expect(objects.get(name)?.content.length).toBe(size)
  proxy.assertAllHit()
})

test('an object named by its content takes one request, even if the store keeps no conditions', async () => {
  const { settings, requests, objects } = await startS3Model({ ignoresConditions: true })
  const driver = s3Driver(settings)
  for (const _ of ['once', 'again']) {
    const writer = await driver.createIn('tmp', { kind: 'data', isNamedByContent: true })
    await writer.write(Buffer.from('content'))
    await writer.commit('its-hash')
  }
  expect(requests.filter((each) => each.endsWith(' its-hash'))).toEqual(['PUT its-hash', 'PUT its-hash'])
  expect(`${objects.get('its-hash')?.content}`).toBe('content')
})
