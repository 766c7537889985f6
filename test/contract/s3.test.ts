import { systemClock } from '../../src/lib/clock.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { startS3Model } from '../support/s3-model.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driverContract } from './driver-contract.ts'

let places = 0

function open(settings: S3Settings) {
  return openDriver(settings, { dataDir: tempDir(), clock: systemClock })
}

describeSwift('on a real Swift', (place) => {
  driverContract('s3', () => {
    const prefix = `store-${places++}`
    return () => open({ ...place.settings, prefix })
  })
})

// Swift refuses conditional writes, so they run on a model.
driverContract('s3, on a model of a store with conditional writes', () => {
  const model = startS3Model()
  return async () => open((await model).settings)
})
