import type { DaemonDb } from './database.ts'

/** A controller, as it introduces itself with a list of jobs. */
export interface KnownController {
  id: string
  /** The URL that it gives for itself; only shown to people. */
  url: string
}

const KEY = 'controller'

/** Stores which controller the jobs are from: nothing for a legacy controller, or before the first list. */
export class ControllerMemory {
  readonly #db: DaemonDb

  constructor(db: DaemonDb) {
    this.#db = db
  }

  load(): KnownController | undefined {
    const text = this.#db.prepare<[string], string>('SELECT value FROM facts WHERE key = ?').pluck().get(KEY)
    return text === undefined ? undefined : (JSON.parse(text) as KnownController)
  }

  save(controller: KnownController): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)')
      .run(KEY, JSON.stringify(controller))
  }

  forget(): void {
    this.#db.prepare('DELETE FROM facts WHERE key = ?').run(KEY)
  }
}
