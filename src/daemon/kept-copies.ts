import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { MINUTE_MS } from '../lib/time-units.ts'
import {
  DROP_KEPT_ACTION,
  EXPIRE_KEPT_ACTION,
  FIND_KEPT_ACTION,
  type KeptOld,
  keptOldSchema,
  LIST_KEPT_ACTION,
  UNDO_ACTION,
} from '../wire/kept-old.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'

const answerSchema = z.object({
  kept: z.array(keptOldSchema),
  due: z.array(z.string()),
  unsearched: z.array(z.string()),
  broken: z.array(z.string()),
})

export interface KeptCopiesOptions {
  engine: Pick<Engine, 'ask' | 'runOwn' | 'jobs'>
  log: Log
  isReady(): boolean
}

const CHANGING: ReadonlySet<string> = new Set(['backup_recover', UNDO_ACTION, DROP_KEPT_ACTION])
const INTERVAL_MS = MINUTE_MS

/** Knows what recovers replaced and kept, and removes it once it expires, also if no controller ever answers again. */
export class KeptCopies implements Disposable {
  readonly #options: KeptCopiesOptions
  #timer: NodeJS.Timeout | undefined
  #list: KeptOld[] = []
  #looking: Promise<void> | undefined
  #again = false
  #isClosed = false
  /** Volumes whose copies are being removed. */
  readonly #expiring = new Set<string>()
  /** By volume: why its copy could not be removed. */
  readonly #failures = new Map<string, string>()
  readonly #pauses = new Pauses()
  /** Volumes whose search for lost copies failed. */
  readonly #unsearched = new Set<string>()
  /** What was told of notes that cannot be read. */
  #broken: readonly string[] = []

  constructor(options: KeptCopiesOptions) {
    this.#options = options
  }

  /** As it was when it was last looked at. */
  get list(): KeptOld[] {
    return this.#list
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), INTERVAL_MS).unref()
  }

  /** Looks at the copies now. */
  look(): void {
    if (this.#isClosed || !this.#options.isReady()) return
    if (this.#looking) {
      this.#again = true
      return
    }
    this.#looking = this.#lookUntilDone()
  }

  /** Looks again after a run that may have changed them. */
  note(records: readonly RunRecord[]): void {
    const changes = records.some(({ action, state }) => CHANGING.has(action) && isTerminal(state))
    if (changes) this.look()
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearInterval(this.#timer)
  }

  async #lookUntilDone(): Promise<void> {
    try {
      do {
        this.#again = false
        await this.#lookOnce()
      } while (this.#again && !this.#isClosed)
    } catch (error) {
      if (!this.#isClosed)
        this.#options.log.warn({}, `What recovers kept cannot be looked at: ${messageOf(error)}`)
    } finally {
      this.#looking = undefined
    }
  }

  async #lookOnce(): Promise<void> {
    const { engine, log } = this.#options
    const volumes = this.#listPaths()
    const ask = async () => answerSchema.parse(await engine.ask(LIST_KEPT_ACTION, { volumes }))
    let answer = await ask()
    const paths = answer.unsearched.filter((path) => this.#pauses.isOver(`search ${path}`))
    if (paths.length > 0) {
      const told = paths.filter((path) => this.#unsearched.has(path))
      await engine.runOwn(FIND_KEPT_ACTION, { paths, volumes, told })
      answer = await ask()
      this.#noteSearch(paths, answer.unsearched)
    }
    this.#list = answer.kept
    for (const message of answer.broken) if (!this.#broken.includes(message)) log.warn({}, message)
    this.#broken = answer.broken
    for (const destDir of answer.due) void this.#expire(destDir)
  }

  #noteSearch(paths: readonly string[], unsearched: readonly string[]): void {
    for (const path of paths) {
      const hasFailed = unsearched.includes(path)
      this.#unsearched[hasFailed ? 'add' : 'delete'](path)
      this.#pauses.note(`search ${path}`, hasFailed)
    }
  }

  /** It waits for the volume, perhaps for hours, so that nobody waits for it. Tells each failure once. */
  async #expire(destDir: string): Promise<void> {
    if (this.#expiring.has(destDir) || !this.#pauses.isOver(`expiry ${destDir}`)) return
    this.#expiring.add(destDir)
    const failure = await this.#runExpire(destDir)
    this.#expiring.delete(destDir)
    if (this.#isClosed) return
    this.#pauses.note(`expiry ${destDir}`, failure !== undefined)
    if (failure === undefined) {
      this.#failures.delete(destDir)
      this.look()
    } else if (this.#failures.get(destDir) !== failure) {
      this.#failures.set(destDir, failure)
      const message = `What a recover of "${destDir}" kept cannot be removed: ${failure}. It is tried again`
      this.#options.log.warn({}, message)
    }
  }

  /** Returns why it failed. */
  async #runExpire(destDir: string): Promise<string | undefined> {
    try {
      const { state, reason } = await this.#options.engine.runOwn(EXPIRE_KEPT_ACTION, { destDir })
      return state === 'success' ? undefined : reason
    } catch (error) {
      return messageOf(error)
    }
  }

  #listPaths(): string[] {
    const backups = this.#options.engine.jobs().filter(({ job }) => job.action === 'backup')
    return [...new Set(backups.map(({ job }) => String(job.args.path)))]
  }
}

const LONGEST_PAUSE = 60

/** What fails again and again is tried at fewer and fewer looks: after 1, 2, 4 … looks. */
class Pauses {
  readonly #byKey = new Map<string, { looks: number; left: number }>()

  /** Call it at each look. */
  isOver(key: string): boolean {
    const pause = this.#byKey.get(key)
    return pause === undefined || --pause.left <= 0
  }

  note(key: string, hasFailed: boolean): void {
    const looks = Math.min(2 * (this.#byKey.get(key)?.looks ?? 0.5), LONGEST_PAUSE)
    if (hasFailed) this.#byKey.set(key, { looks, left: looks })
    else this.#byKey.delete(key)
  }
}
