import { systemClock } from '../../src/lib/clock.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { lockRepository } from '../../src/restic/repository/lock.ts'
import { openRepository } from '../../src/restic/repository/open-repository.ts'
import { PASSWORD } from '../support/repository-samples.ts'

const [dir = '', kind = ''] = process.argv.slice(2)

const repository = await openRepository(
  { driver: localDriver(dir), base: '10.0.0.1/repo' },
  { password: Buffer.from(PASSWORD), clock: systemClock, warn: console.error },
)
const signal = new AbortController().signal
await lockRepository(repository, {
  exclusive: kind === 'exclusive',
  dataDir: `${dir}/daemon`,
  waitMs: 0,
  signal,
})
process.send?.('locked')
process.once('disconnect', () => process.exit(1))
