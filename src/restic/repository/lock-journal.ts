import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../lib/atomic-file.ts'
import { errnoOf } from '../../lib/errors.ts'
import { loadKernel } from '../../lib/kernel.ts'
import { makeFolder } from '../../lib/make-folder.ts'
import { isId } from './layout.ts'
import type { Repository } from './repository.ts'

/**
 * A folder in the daemon's data directory with one file for each held lock. Its first line has the repository's id and
 * place, the others the ids of the lock's files, each written before that file is created. The process keeps the file
 * locked (flock): if it is not locked, the process is dead, and the locks that the file names are stale.
 */
const FOLDER = 'repository-locks'
const NEW = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR

export class LockJournal {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async begin(dataDir: string, { id, place }: Pick<Repository, 'id' | 'place'>): Promise<LockJournal> {
    const folder = join(dataDir, FOLDER)
    await makeFolder(folder)
    for (;;) {
      const path = join(folder, randomUUID())
      const file = await open(path, NEW, 0o600)
      const isOurs = loadKernel()?.tryLock(file.fd) !== false && (await file.stat()).nlink > 0
      if (!isOurs) {
        // Another process that searched for stale journals took this new file for one.
        await file.close()
        continue
      }
      const journal = new LockJournal(path, file)
      await journal.#append(`${id} ${place.base}`)
      await syncFolder(folder)
      return journal
    }
  }

  /** Call it before the lock file of this id is created. */
  announce(lockId: string): Promise<void> {
    return this.#append(lockId)
  }

  /** Deletes the journal. Call it when none of its locks is in the repository any more. */
  async end(): Promise<void> {
    await unlink(this.#path).catch(ignoreMissing)
    await this.#file.close()
  }

  /** Keeps the journal, so that the next run that locks the repository removes the locks. */
  async leave(): Promise<void> {
    await this.#file.close()
  }

  async #append(line: string): Promise<void> {
    await this.#file.appendFile(`${line}\n`)
    await this.#file.sync()
  }
}

/** A lock of a dead process of this daemon. */
export interface DeadLock {
  repositoryId: string
  /** `<ip>/repo` */
  base: string
  /** The ids of its files, some of which may not exist. */
  ids: string[]
  /** Call it when they are gone from the repository. */
  removed(): Promise<void>
}

export async function* readDeadLocks(dataDir: string): AsyncGenerator<DeadLock> {
  const kernel = loadKernel()
  if (!kernel) return
  for (const name of await readJournalNames(join(dataDir, FOLDER))) {
    const path = join(dataDir, FOLDER, name)
    const file = await open(path, 'r').catch(ignoreMissing)
    if (!file) continue
    try {
      if (!kernel.tryLock(file.fd)) continue
      const [of = '', ...ids] = (await file.readFile('utf8')).split('\n')
      const [repositoryId = '', base = ''] = of.split(' ')
      const removed = () => unlink(path).catch(ignoreMissing)
      if (isId(repositoryId)) yield { repositoryId, base, ids: ids.filter(isId), removed }
      // Killed before its first line was written.
      else await removed()
    } finally {
      await file.close()
    }
  }
}

async function readJournalNames(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(ignoreMissing)) ?? []
}

function ignoreMissing(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error
}
