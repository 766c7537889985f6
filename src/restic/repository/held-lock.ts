import { BackupdError, messageOf } from '../../lib/errors.ts'
import { unpackedName } from './layout.ts'
import { lockJson } from './lock-file.ts'
import type { LockJournal } from './lock-journal.ts'
import { publishSmall } from './publish.ts'
import type { Repository } from './repository.ts'
import { hashSha256, sealUnpacked } from './unpacked.ts'

const REFRESH_INTERVAL_MS = 5 * 60_000
/** As in restic: some time before others consider the lock stale (30 minutes). */
const MAX_AGE_MS = 22 * 60_000
const RETRY_INTERVAL_MS = 30_000

export interface Lock extends AsyncDisposable {
  /** Aborted if the lock is lost: nothing may be written any more. */
  readonly signal: AbortSignal
  /** The snapshots that existed when it was locked. */
  readonly snapshots: readonly string[]
  /** Throws if the lock was lost. Call it right before writing anything that others rely on. */
  assertHeld(): Promise<void>
}

/** The files of one lock. A refresh adds a new file before it removes the last one. */
export class LockFiles {
  readonly exclusive: boolean
  readonly #repository: Repository
  readonly #journal: LockJournal
  readonly ids = new Set<string>()

  constructor(repository: Repository, journal: LockJournal, exclusive: boolean) {
    this.#repository = repository
    this.#journal = journal
    this.exclusive = exclusive
  }

  /** Writes the id to the journal before the lock is in the repository. */
  async add(): Promise<void> {
    const { place, key, clock } = this.#repository
    const sealed = sealUnpacked(key, lockJson(clock.now(), this.exclusive))
    const id = hashSha256(sealed).toString('hex')
    await this.#journal.announce(id)
    this.ids.add(id)
    const name = unpackedName(place, 'locks', id)
    await publishSmall(place, { name, content: sealed, isNamedByContent: true })
  }

  async remove(ids = [...this.ids]): Promise<void> {
    for (const id of ids) {
      await this.#repository.removeUnpacked('locks', id)
      this.ids.delete(id)
    }
  }

  /** Whether a lock file still exists: someone may have unlocked the repository by force. */
  async exists(): Promise<boolean> {
    const { place } = this.#repository
    for (const id of this.ids) if (await place.driver.stat(unpackedName(place, 'locks', id))) return true
    return false
  }
}

interface HeldParts {
  files: LockFiles
  journal: LockJournal
  snapshots: readonly string[]
  onEnd(): void
}

/** A lock that is refreshed until it is disposed. */
export class HeldLock implements Lock {
  readonly snapshots: readonly string[]
  readonly #repository: Repository
  readonly #files: LockFiles
  readonly #journal: LockJournal
  readonly #onEnd: () => void
  readonly #controller = new AbortController()
  readonly #tickMs: number
  #timer: Disposable
  #refreshed: { wall: number; elapsed: number }
  /** The age in ms at which it is refreshed. */
  #dueAge = REFRESH_INTERVAL_MS
  #refreshing: Promise<void> | undefined

  constructor(repository: Repository, parts: HeldParts, tickMs: number) {
    this.#repository = repository
    this.#files = parts.files
    this.#journal = parts.journal
    this.#onEnd = parts.onEnd
    this.snapshots = parts.snapshots
    this.#refreshed = this.#now()
    this.#tickMs = tickMs
    this.#timer = this.#scheduleTick()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async assertHeld(): Promise<void> {
    this.#loseWhenOld()
    if (!this.signal.aborted && !(await this.#files.exists())) this.#lose(removed(this.#repository))
    this.signal.throwIfAborted()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]()
    await this.#refreshing
    try {
      await this.#files.remove()
      await this.#journal.end()
    } catch (error) {
      await this.#journal.leave()
      this.#repository.warn(`Cannot remove our lock; the next run removes it: ${messageOf(error)}`)
    } finally {
      this.#onEnd()
    }
  }

  #scheduleTick(): Disposable {
    return this.#repository.clock.after(this.#tickMs, () => {
      this.#timer = this.#scheduleTick()
      this.#tick()
    })
  }

  #tick(): void {
    this.#loseWhenOld()
    if (this.#refreshing || this.signal.aborted || !this.#isDue()) return
    this.#refreshing = this.#refresh()
      .catch((error) => {
        this.#dueAge = this.#age() + RETRY_INTERVAL_MS
        this.#repository.warn(`The lock could not be refreshed, and is tried again: ${messageOf(error)}`)
      })
      .finally(() => {
        this.#refreshing = undefined
      })
  }

  /** Also due if the clock was set back, because others compare the time in the lock. */
  #isDue(): boolean {
    return this.#age() >= this.#dueAge || this.#repository.clock.now() < this.#refreshed.wall
  }

  #loseWhenOld(): void {
    if (this.#age() >= MAX_AGE_MS) this.#lose(notRefreshed(this.#repository))
  }

  async #refresh(): Promise<void> {
    if (!(await this.#files.exists())) {
      this.#lose(removed(this.#repository))
      return
    }
    const before = [...this.#files.ids]
    const now = this.#now()
    await this.#files.add()
    this.#refreshed = now
    this.#dueAge = REFRESH_INTERVAL_MS
    await this.#files.remove(before)
  }

  #lose(reason: BackupdError): void {
    if (!this.signal.aborted) this.#controller.abort(reason)
  }

  /** In ms, by the wall clock or the monotonic clock, whichever is more. */
  #age(): number {
    const { wall, elapsed } = this.#now()
    return Math.max(wall - this.#refreshed.wall, elapsed - this.#refreshed.elapsed)
  }

  #now() {
    const { clock } = this.#repository
    return { wall: clock.now(), elapsed: clock.elapsed() }
  }
}

function notRefreshed({ place }: Repository): BackupdError {
  const what = `The lock on the repository "${place.base}" could not be refreshed for 22 minutes`
  return new BackupdError('REPOSITORY_LOCKED', `${what}, so others may consider it stale. Run this again`)
}

function removed({ place }: Repository): BackupdError {
  const what = `The lock on the repository "${place.base}" was removed by someone else`
  return new BackupdError(
    'REPOSITORY_LOCKED',
    `${what}, for example by restic unlock --remove-all. Run this again`,
  )
}
