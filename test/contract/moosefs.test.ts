import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { describeMooseFs } from '../support/describe-moosefs.ts'
import { type MooseFs, type MooseFsHost, startMooseFs } from '../support/moosefs.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driverContract } from './driver-contract.ts'

describeMooseFs('on a real MooseFS', () => {
  let moosefs: MooseFs
  let host: MooseFsHost
  let count = 0

  beforeAll(async () => {
    moosefs = await startMooseFs()
    host = moosefs.addHost('10.77.0.11')
  })
  afterAll(() => moosefs[Symbol.asyncDispose]())

  driverContract('moosefs', () => {
    const dir = join(host.dir, `store-${count++}`)
    mkdirSync(dir)
    return () => openDriver({ driver: 'moosefs', dir }, { dataDir: tempDir(), clock: systemClock })
  })
})
