import type { RunRecord } from '../../wire/record.ts'
import type { KnownStore } from '../../wire/store-settings.ts'
import type { DaemonDb } from './database.ts'

type BackupMode = 'full' | 'increment'

/**
 * Which store the daemon's namespace is in, and what the daemon has made there; one entry for each `--ip` ever used.
 */
export class StoreMemory {
  readonly #db: DaemonDb
  readonly #key: string
  readonly #known: KnownStore

  constructor(db: DaemonDb, ip: string) {
    this.#db = db
    this.#key = `store:${ip}`
    const text = db.prepare<[string], string>('SELECT value FROM facts WHERE key = ?').pluck().get(this.#key)
    this.#known = text === undefined ? this.#deriveFromRecords(ip) : (JSON.parse(text) as KnownStore)
  }

  /** Always the same object, updated in place, so that each run gets the state at its start. */
  get known(): Readonly<KnownStore> {
    return this.#known
  }

  /** Notes a successful claim. @param startsOver it is a different store, so what was made in the old one is reset */
  noteClaim(id: string, startsOver: boolean): void {
    this.#change(startsOver ? { id, madeArchives: false, madeSnapshots: false } : { id })
  }

  /** A missing repository is then not an error. */
  forgetSnapshots(): void {
    this.#change({ madeSnapshots: false })
  }

  /** Notes what the ended runs among these records made. */
  noteResults(records: readonly RunRecord[]): void {
    for (const { action, result } of records) {
      const mode = action === 'backup' ? result?.backup?.mode : undefined
      if (mode === 'full' && !this.#known.madeArchives) this.#change({ madeArchives: true })
      if (mode === 'increment' && !this.#known.madeSnapshots) this.#change({ madeSnapshots: true })
    }
  }

  #change(change: Partial<KnownStore>): void {
    Object.assign(this.#known, change)
    this.#db
      .prepare('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)')
      .run(this.#key, JSON.stringify(this.#known))
  }

  /** For a daemon older than store ids: derives the facts from its records, once, before the first claim. */
  #deriveFromRecords(ip: string): KnownStore {
    const made = this.#db
      .prepare<[BackupMode, string], number>(
        `SELECT 1 FROM records WHERE ended = 1 AND json_extract(record, '$.action') = 'backup'
           AND json_extract(record, '$.result.backup.mode') = ? AND json_extract(record, '$.server') = ?
         ORDER BY kept_at DESC LIMIT 1`,
      )
      .pluck()
    const has = (mode: BackupMode) => made.get(mode, ip) !== undefined
    return { id: null, madeArchives: has('full'), madeSnapshots: has('increment') }
  }
}
