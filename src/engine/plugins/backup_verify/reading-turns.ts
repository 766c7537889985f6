import type { StoredBackup, VerifyVerdict } from '../../../store/stored-backup.ts'
import { PAUSED } from '../../../wire/record.ts'
import type { VerifyResult } from '../../../wire/verification.ts'
import { PauseSwitch } from '../../pause-switch.ts'
import type { RunContext } from '../../plugin.ts'

/** What one call of ReadingTurns.verify() found. */
export type TurnsVerdict = VerifyVerdict | { outcome: 'unfinished'; result: VerifyResult }

/**
 * Reads a backup while its run is not paused, and not more than the run may read. A series gives up its lock when it is
 * paused, so that a prune can have it, and goes on after the packs that it has read. An archive cannot be continued: it waits
 * with its next read, and is read whole.
 */
export class ReadingTurns {
  readonly #context: RunContext
  readonly #pausing: PauseSwitch
  #waits = false
  /** Of the turns before. */
  #bytesBefore = 0
  #bytes = 0
  #total: number | null = null

  constructor(context: RunContext) {
    this.#context = context
    this.#pausing = context.pausing ?? new PauseSwitch()
  }

  /** Call it before each read of content. */
  async pace(): Promise<void> {
    if (this.#waits && this.#pausing.isPaused) await this.#resumed()
  }

  /** @param find opens the backup; called for each turn */
  async verify(find: () => Promise<StoredBackup>): Promise<TurnsVerdict> {
    for (;;) {
      await this.#resumed()
      this.#context.signal.throwIfAborted()
      await using backup = await find()
      const verdict = await this.#takeTurn(backup)
      if (verdict) return verdict
    }
  }

  /** undefined if it was paused. */
  async #takeTurn(backup: StoredBackup): Promise<TurnsVerdict | undefined> {
    const { signal, progress } = this.#context
    const isSeries = backup.info.series !== null
    this.#waits = !isSeries
    const ending = new AbortController()
    const end = () => isSeries && ending.abort()
    using _pausing = this.#pausing.listen((isPaused) => isPaused && end())
    if (this.#pausing.isPaused) end()
    progress({ phase: 'verify', currentPath: null })
    try {
      return await this.#read(backup, AbortSignal.any([signal, ending.signal]), end)
    } catch (error) {
      signal.throwIfAborted()
      if (!ending.signal.aborted) throw error
    }
    this.#bytesBefore = this.#bytes
    return this.#isUsedUp ? { outcome: 'unfinished', result: this.#describe() } : undefined
  }

  #read(backup: StoredBackup, signal: AbortSignal, end: () => void): Promise<VerifyVerdict> {
    const { rid, settings, progress, warn } = this.#context
    return backup.verify({
      rid,
      dataDir: settings.dataDir,
      signal,
      warn,
      onProgress: ({ bytes, total }) => {
        this.#bytes = this.#bytesBefore + bytes
        this.#total = total === null ? null : this.#bytesBefore + total
        progress({ bytesDone: this.#bytes, bytesTotal: this.#total })
        if (this.#isUsedUp) end()
      },
    })
  }

  get #isUsedUp(): boolean {
    const { maxReadBytes = Number.POSITIVE_INFINITY } = this.#context.options
    return this.#bytes >= maxReadBytes
  }

  #describe(): VerifyResult {
    const share = this.#total ? Math.min(this.#bytes / this.#total, 1) : 0
    return { method: 'hash', share, bytes: this.#bytes, problems: [] }
  }

  async #resumed(): Promise<void> {
    const { signal, progress } = this.#context
    if (!this.#pausing.isPaused) return
    progress({ phase: PAUSED })
    await this.#pausing.resumed(signal)
    progress({ phase: 'verify' })
  }
}
