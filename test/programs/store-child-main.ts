import { localDriver } from '../../src/objects/drivers/local.ts'
import type { StoreParts } from '../../src/store/store-parts.ts'
import { newRid } from '../../src/wire/ids.ts'
import { factsOf, INDEX, IP, OBJECT } from '../support/store-samples.ts'
import { openWholeStore } from '../support/whole-store.ts'

const [task, dir = '', name = '', count = '1'] = process.argv.slice(2)

if (task === 'publish') {
  const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0', dataDir: dir }
  const store = openWholeStore({ driver: 'local', dir }, identity)
  const names: string[] = []
  for (let n = 0; n < Number(count); n++) names.push(await publishOne(store))
  process.send?.(names)
  process.disconnect()
} else {
  const lock = await localDriver(dir).lock(name)
  process.once('disconnect', () => lock[Symbol.asyncDispose]())
  process.send?.('locked')
}

async function publishOne(store: StoreParts): Promise<string> {
  const rid = newRid(Date.now())
  const source = `/data/${name}`
  const pending = await store.begin({ archive: name, rid, source })
  await pending.object.write(OBJECT)
  await pending.index.write(INDEX)
  await pending.publish(factsOf(rid, { source }))
  return pending.name
}
