import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { HOUR_MS } from '../../src/lib/time-units.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { collect } from '../support/collect.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { IP } from '../support/store-samples.ts'
import { s3Client } from '../support/swift.ts'
import { tempDir } from '../support/temp-dir.ts'
import { createWholeStore } from '../support/whole-store.ts'

const CHILD = fileURLToPath(new URL('../programs/publish-child.ts', import.meta.url))
const SIZE = 9 * 1024 * 1024
/** Every so many calls, because each takes seconds. Different ones each time. */
const STEP = 4
const OFFSET = 1 + randomInt(STEP)

describeSwift('a process that is killed at one of its calls to a store on a real Swift', (place) => {
  let dataDir: string

  /** As the daemon opens it at a start two hours later: deletes wait for an hour on Swift. */
  function openAgain() {
    const clock = { ...systemClock, now: () => Date.now() + 2 * HOUR_MS }
    const driver = openDriver(place.settings, { dataDir, clock })
    const identity = { ip: IP, daemonId: 'daemon-a', version: '0.1.0' }
    return { driver, store: createWholeStore({ driver, identity, clock, warn: () => {} }) }
  }

  /** Returns whether it was killed, and what it printed. */
  function runChild(nth: number, name = '') {
    const args = [CHILD, JSON.stringify(place.settings), dataDir, String(nth), name]
    const { signal, status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (signal === null && status !== 0) throw new Error(stderr)
    return { isKilled: signal === 'SIGKILL', said: stdout.trim() }
  }

  async function expectOnlyWholeBackups(): Promise<string[]> {
    const { driver, store } = openAgain()
    await store.settle()
    const { backups } = await store.list(IP, { limit: 1000 })
    const names = backups.map(({ name }) => name).sort()
    for (const { name, size, corrupt } of backups) {
      expect({ name, size, corrupt }).toEqual({ name, size: SIZE, corrupt: null })
      await using reader = await driver.open(`${IP}/${name}`)
      expect((await reader.read(SIZE - 3, 10)).toString()).toBe('xxx')
    }
    const objects = (await collect(driver.names(IP))).map(({ name }) => name)
    const pieces = names.flatMap((name) => [name, `${name}.index.gz`, `${name}.manifest.json`])
    expect(objects.filter((name) => !name.startsWith('.')).sort()).toEqual(pieces.sort())
    const { Uploads = [] } = await s3Client(place.swift.endpoint, place.swift.owner).listMultipartUploads({
      Bucket: place.settings.bucket,
    })
    expect(Uploads).toEqual([])
    return names
  }

  test(`leaves a whole backup or nothing, whether it publishes or deletes (from call ${OFFSET} on)`, async () => {
    dataDir = tempDir()
    await openAgain().store.claim(false)
    let kills = 0
    for (let nth = OFFSET; ; nth += STEP) {
      const { isKilled } = runChild(nth)
      await expectOnlyWholeBackups()
      if (!isKilled) break
      kills++
    }
    expect(kills).toBeGreaterThan(5)
    for (let nth = OFFSET; ; nth += STEP) {
      const [name = runChild(0).said] = await expectOnlyWholeBackups()
      const { isKilled } = runChild(nth, name)
      if (!isKilled) {
        expect(await expectOnlyWholeBackups()).not.toContain(name)
        break
      }
      kills++
    }
    expect(kills).toBeGreaterThan(8)
  }, 300_000)
})
