import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { deleteBackups, locateBackup } from '../../src/controller/backups.ts'
import { POLL_EVERY_MS, pollDue } from '../../src/controller/servers.ts'
import { sampleBackup } from '../support/catalog-samples.ts'
import { helloInventory, testWorld } from '../support/controller-world.ts'
import { MemoryDaemon } from '../support/memory-daemons.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'

const IP = '10.0.0.1'
const NAME = sampleBackup().name
const MIB = 1024 * 1024

/** Writes until nothing more goes. */
function fill(dir: string): void {
  for (const size of [MIB, 4096]) {
    try {
      for (let n = 0; ; n++) writeFileSync(join(dir, `fill-${size}-${n}`), Buffer.alloc(size))
    } catch {}
  }
}

function makeRoom(dir: string): void {
  for (const name of readdirSync(dir).filter((each) => each.startsWith('fill'))) rmSync(join(dir, name))
}

itMounts('a delete that a full disk keeps out of the catalog is found out with the next poll', async () => {
  const { dir } = smallFileSystem(16 * 1024)
  const { world, daemons, clock, take } = await testWorld(dir)
  const daemon = daemons.add(new MemoryDaemon(IP))
  daemon.backups = [sampleBackup()]
  await take(helloInventory([IP]))
  const whole = { app: 'hello', proc: 'web', name: NAME }
  expect(await locateBackup(world, whole)).toMatchObject({ name: NAME })
  fill(dir)
  const deleting = deleteBackups(world, 'test', { app: 'hello', proc: 'web', names: [NAME] })
  await expect(deleting).rejects.toMatchObject({
    code: 'CATALOG_UNUSABLE',
    message: expect.stringMatching(/disk is full\. The catalog was not changed; free some room/),
  })
  expect(daemon.backups).toEqual([])
  makeRoom(dir)
  clock.move(POLL_EVERY_MS)
  pollDue(world)
  await world.background.settled()
  expect(await locateBackup(world, whole)).toMatchObject({ refused: 'NOT_FOUND' })
})
