import type { AlarmStore } from '../alarm-ports.ts'
import type { Notification } from '../notify/notification.ts'
import type { Alarm, UnnumberedAlarm } from './alarm.ts'
import { AlarmEvents } from './alarm-events.ts'

export interface AlarmNotifier {
  /** @param before the alarm before the change; undefined if it is raised */
  make(before: Alarm | undefined, after: Alarm): Notification[]
  /** They are on disk. */
  stored(notifications: readonly Notification[]): void
}

/** Cleared alarms that are kept. */
export const MAX_CLEARED = 5000

/** All alarms: the open ones and the newest of the others. Changes are stored first, one after the other, then published. */
export class AlarmBook {
  readonly events = new AlarmEvents()
  /** The number of the last change. */
  last = 0
  /** The rules by which the alarms of this catalog were made; null: there were none yet. */
  rules: string | null = null
  readonly #store: AlarmStore
  /** In the order in which they were raised. */
  readonly #alarms = new Map<string, Alarm>()
  #cleared = 0
  #tail: Promise<unknown> = Promise.resolve()

  /** Makes the notifications of changes, which are stored with them. */
  notifier: AlarmNotifier | undefined

  constructor(store: AlarmStore) {
    this.#store = store
  }

  async load(): Promise<void> {
    const { alarms, last, rules } = await this.#store.load()
    Object.assign(this, { last, rules })
    for (const alarm of alarms) this.#keep(alarm)
  }

  find(id: string): Alarm | undefined {
    return this.#alarms.get(id)
  }

  /** Newest first. */
  list(): Alarm[] {
    return [...this.#alarms.values()].reverse()
  }

  /**
   * Stores changes, and publishes them when they are on disk.
   * @param make called when all earlier changes are stored
   * @param commit called with what `make` returned, and the alarms in the same order
   */
  change<T extends readonly UnnumberedAlarm[]>(
    make: () => T,
    commit: (alarms: readonly Alarm[]) => void = () => {},
  ): Promise<void> {
    const done = this.#tail.then(async () => {
      const made = make().map((alarm) => this.#number(alarm))
      if (made.length === 0) return
      const { alarms, notifications } = this.#notify(made)
      await this.#store.save(alarms, notifications)
      this.notifier?.stored(notifications)
      for (const alarm of alarms) this.#keep(alarm)
      commit(alarms)
      for (const alarm of alarms) this.events.publish({ seq: alarm.seq, kind: 'CHANGE', alarm })
    })
    this.#tail = done.catch(() => {})
    return done
  }

  async saveRules(rules: string): Promise<void> {
    await this.#store.saveRules(rules)
    this.rules = rules
  }

  #notify(alarms: readonly Alarm[]): { alarms: Alarm[]; notifications: Notification[] } {
    const told = alarms.map((alarm) => ({
      alarm,
      made: this.notifier?.make(this.find(alarm.id), alarm) ?? [],
    }))
    return {
      alarms: told.map(({ alarm, made }) => ({
        ...alarm,
        told: [...new Set([...alarm.told, ...made.map(({ sink }) => sink)])],
      })),
      notifications: told.flatMap(({ made }) => made),
    }
  }

  /** A number that could not be stored is not used again. */
  #number(alarm: UnnumberedAlarm): Alarm {
    this.last += 1
    return { ...alarm, seq: this.last, raisedSeq: alarm.raisedSeq ?? this.last }
  }

  #keep(alarm: Alarm): void {
    const known = this.#alarms.get(alarm.id)
    this.#alarms.set(alarm.id, alarm)
    if (alarm.clearedAt === null || (known && known.clearedAt !== null)) return
    this.#cleared += 1
    if (this.#cleared > MAX_CLEARED) this.#dropOldest()
  }

  #dropOldest(): void {
    for (const { id, clearedAt } of this.#alarms.values()) {
      if (clearedAt === null) continue
      this.#alarms.delete(id)
      this.#cleared -= 1
      return
    }
  }
}
