import type { Db } from './database.ts'

/** A controller, as it introduces itself with a list of jobs. */
export interface KnownController {
  id: string
  /** Where it says that it is reached; for people. */
  url: string
}

const KEY = 'controller'

/** Which controller the list of jobs is from; undefined where it is from a legacy one, or there is none yet. */
export class ControllerMemory {
  readonly #db: Db

  constructor(db: Db) {
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
