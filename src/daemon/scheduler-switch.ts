import type { Engine } from '../engine/engine.ts'
import type { Log } from '../lib/log.ts'
import type { DaemonDb } from './memory/database.ts'

/** Starts and stops the schedule. A requested stop is kept in the database and survives a restart. */
export class SchedulerSwitch {
  readonly #engine: Pick<Engine, 'start' | 'stop'>
  readonly #db: DaemonDb
  readonly #log: Log

  constructor(engine: Pick<Engine, 'start' | 'stop'>, db: DaemonDb, log: Log) {
    this.#engine = engine
    this.#db = db
    this.#log = log
  }

  get isStopped(): boolean {
    return this.#db.prepare("SELECT 1 FROM facts WHERE key = 'scheduler-stopped'").get() !== undefined
  }

  start(): void {
    this.#db.prepare("DELETE FROM facts WHERE key = 'scheduler-stopped'").run()
    this.#engine.start()
  }

  stop(): void {
    this.#db.prepare("INSERT OR REPLACE INTO facts (key, value) VALUES ('scheduler-stopped', '1')").run()
    this.#engine.stop()
  }

  /** For the start of the daemon: starts the schedule unless an operator has stopped it. */
  resume(): void {
    if (!this.isStopped) this.#engine.start()
    else
      this.#log.warn({}, 'The scheduler was stopped on request and stays stopped: no job starts on its own')
  }
}
