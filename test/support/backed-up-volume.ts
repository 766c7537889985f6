import { join } from 'node:path'
import { given } from './given.ts'

const BACKED_UP = given
  .app('hello')
  .proc('web')
  .volume('/data/db')
  .files({ 'a.txt': 'first words', 'sub/b.bin': Buffer.alloc(300_000, 'abcdefg') })
  .withBackups(1)
  .changedTo({ 'a.txt': 'changed since', since: 'made since' })

/**
 * A controller and a daemon, a volume with a few files, and a backup of it; after that, one file changed and one was
 * added.
 */
export async function runBackedUpVolume() {
  const running = await BACKED_UP.running()
  const [name] = running.backups
  return { ...running, name, archive: join(running.store, name) }
}
