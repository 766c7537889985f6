import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import type { Driver } from '../../src/objects/driver.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { unfinishedName } from '../../src/objects/unfinished.ts'

/**
 * Calls of the driver from inside a host, where MooseFS's port for tools can be reached; or in a process of their own,
 * because a process with open files on a dead mount cannot start another one.
 */
const [task = '', dir = '', dataDir = ''] = process.argv.slice(2)
const driver = openDriver({ driver: 'moosefs', dir }, { dataDir, clock: systemClock })

if (task === 'space') console.log(JSON.stringify(await driver.space?.()))
if (task === 'trash') await fillTrash(driver)
if (task === 'write') await writeSlowly(driver)

/** Deletes one file that goes into the trash, and three that do not. */
async function fillTrash(driver: Driver): Promise<void> {
  for (const name of ['ns/kept', 'ns/dropped']) {
    const writer = await driver.create(name)
    await writer.write(Buffer.alloc(1_000_000, 'x'))
    await (name === 'ns/kept' ? writer.commit() : writer.abort())
    if (name === 'ns/kept') await removeSecondName(driver, name)
    await driver.remove(name)
  }
  for (const letter of 'abc') await driver.replace('ns/small', Buffer.alloc(1000, letter))
}

/** Leaves an object as a crash in the middle of a commit does. */
async function removeSecondName(driver: Driver, name: string): Promise<void> {
  const second = unfinishedName(name)
  linkSync(join(dir, name), join(dir, second))
  await driver.remove(second)
}

/** Reports that it has begun, and waits for the signal to go on. */
async function writeSlowly(driver: Driver): Promise<void> {
  const writer = await driver.create('ns/object')
  await writer.write(Buffer.alloc(1 << 20, 1))
  process.send?.('begun')
  await new Promise((resolve) => process.once('message', resolve))
  for (let n = 2; n <= 4; n++) await writer.write(Buffer.alloc(1 << 20, n))
  process.send?.('written')
  await writer.commit()
  process.send?.('done')
  process.disconnect()
}
