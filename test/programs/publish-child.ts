import { systemClock } from '../../src/lib/clock.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { newRid } from '../../src/wire/ids.ts'
import { factsOf, INDEX, IP, sha256 } from '../support/store-samples.ts'
import { suicidalDriver } from '../support/suicidal-driver.ts'
import { createWholeStore } from '../support/whole-store.ts'

/**
 * Publishes a backup in the store of `settings` (JSON), or deletes the backup `name`, and is killed at its nth call to the
 * driver. Prints the name of what it published.
 */
const [settings = '', dataDir = '', nth = '0', name = ''] = process.argv.slice(2)
const driver = suicidalDriver(openDriver(JSON.parse(settings), { dataDir, clock: systemClock }), Number(nth))
const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0' }
const store = createWholeStore({ driver, identity, clock: systemClock, warn: () => {} })
if (name === '') console.log(await publish())
else await store.remove([name])

/** Its archive needs several parts in a bucket. */
async function publish(): Promise<string> {
  const rid = newRid(Date.now())
  const object = Buffer.alloc(9 * 1024 * 1024, 'x')
  const source = '/data/large'
  const pending = await store.begin({ archive: 'large', rid, source })
  await pending.object.write(object)
  await pending.index.write(INDEX)
  await pending.publish(factsOf(rid, { source, size: object.length, sha256: sha256(object) }))
  return pending.name
}
