import { systemClock } from '../../src/lib/clock.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { withLocalLocks } from '../../src/objects/wrap/local-locks.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { memoryDriver } from '../support/memory-driver.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driverContract } from './driver-contract.ts'

driverContract('local', () => {
  const dir = tempDir()
  return () => openDriver({ driver: 'local', dir }, { dataDir: tempDir(), clock: systemClock })
})
driverContract('local, in the fault wrapper without faults', () => {
  const dir = tempDir()
  return () => faultyDriver(localDriver(dir))
})
driverContract(
  'in memory, without any ability that a driver may lack',
  () => () => withLocalLocks(memoryDriver(), { lockDir: tempDir(), store: 'memory' }),
  'its objects end with the process: it is a model of the interface, not of a store',
)
