import { systemClock } from '../../src/lib/clock.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { newRid } from '../../src/wire/ids.ts'
import { factsOf, INDEX, IP, OBJECT } from './store-samples.ts'

const [task, dir = '', name = '', count = '1'] = process.argv.slice(2)

if (task === 'publish') {
  const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0', dataDir: dir }
  const store = await openStore({ driver: 'local', dir }, identity, { clock: systemClock, warn: () => {} })
  const names: string[] = []
  for (let n = 0; n < Number(count); n++) names.push(await publishOne(store))
  process.send?.(names)
  process.disconnect()
} else {
  const lock = await localDriver(dir).lock(name)
  process.once('disconnect', () => lock[Symbol.asyncDispose]())
  process.send?.('locked')
}

async function publishOne(store: Store): Promise<string> {
  const rid = newRid(Date.now())
  const source = `/data/${name}`
  const pending = await store.begin({ archive: name, rid, source })
  await pending.object.write(OBJECT)
  await pending.index.write(INDEX)
  await pending.publish(factsOf(rid, { source }))
  return pending.name
}
