import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driverContract } from './driver-contract.ts'

driverContract('local', () => openDriver({ driver: 'local', dir: tempDir() }, { dataDir: tempDir() }))
driverContract('local, in the fault wrapper without faults', () =>
  faultyDriver(openDriver({ driver: 'local', dir: tempDir() }, { dataDir: tempDir() })),
)
