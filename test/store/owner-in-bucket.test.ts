import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { newRid } from '../../src/wire/ids.ts'
import { collect } from '../support/collect.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { ARCHIVE, factsOf, INDEX, IP, OBJECT, SOURCE } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore, type WholeStore } from '../support/whole-store.ts'

describeSwift('the owner of a namespace on a real Swift', (place) => {
  /** A daemon of a machine of its own: it shares no locks with the others. */
  function storeOf(daemonId: string, ip = IP): WholeStore {
    const driver = openDriver(place.settings, { dataDir: tempDir(), clock: systemClock })
    const identity = { ip, daemonId, version: '0.1.0' }
    return createWholeStore({ driver, identity, clock: systemClock, warn: () => {} })
  }

  async function begin(store: WholeStore) {
    const rid = newRid(Date.now())
    const pending = await store.begin({ archive: ARCHIVE, rid, source: SOURCE })
    await pending.object.write(OBJECT)
    await pending.index.write(INDEX)
    return { pending, publish: () => pending.publish(factsOf(rid)) }
  }

  test('is one daemon, and another one needs to be told to take over', async () => {
    const one = storeOf('daemon-a')
    await one.claim(false)
    await one.claim(false)
    const two = storeOf('daemon-b')
    await expect(two.claim(false)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('belongs to the daemon daemon-a'),
    })
  })

  test('is not missed in a bucket that was deleted: that is named', async () => {
    const settings = { ...place.settings, bucket: 'was-deleted' }
    const driver = openDriver(settings, { dataDir: tempDir(), clock: systemClock })
    const knownStore = { id: 'some-store', madeArchives: true, madeSnapshots: true }
    const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0', knownStore }
    const store = createWholeStore({ driver, identity, clock: systemClock, warn: () => {} })
    const reason = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('the bucket does not exist'),
    }
    await expect(
      store.begin({ archive: ARCHIVE, rid: newRid(Date.now()), source: SOURCE }),
    ).rejects.toMatchObject(reason)
    await expect(store.claim(false)).rejects.toMatchObject(reason)
  })

  test('that was replaced publishes nothing more, and deletes nothing', async () => {
    const one = storeOf('daemon-a')
    await one.claim(true)
    const first = await begin(one)
    await first.publish()
    const second = await begin(one)
    await storeOf('daemon-b').claim(true)
    await expect(second.publish()).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(one.remove([first.pending.name])).rejects.toMatchObject({ code: 'CONFLICT' })
    await second.pending.abandon()
    const names = (await collect(one.driver.names(IP))).map(({ name }) => name)
    expect(names.filter((name) => name.includes(second.pending.name))).toEqual([])
    expect(names).toContain(first.pending.name)
  })

  test('that lost the race for a claim is told so, although the store cannot prevent it', async () => {
    const racer = storeOf('daemon-c', '10.0.0.2')
    const claim = racer.claim(false)
    claim.catch(() => {})
    const other = openDriver(place.settings, { dataDir: tempDir(), clock: systemClock })
    const theirs = Buffer.from('{"daemonId":"daemon-d","epoch":1,"storeId":"d"}\n')
    // Swift keeps no conditions: the last one to write wins, and the first one reads that back.
    await expect.poll(() => other.stat('10.0.0.2/.owner'), { interval: 10 }).toBeDefined()
    await other.replace('10.0.0.2/.owner', theirs)
    await expect(claim).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
