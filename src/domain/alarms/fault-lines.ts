import type { AlarmItem } from './alarm-items.ts'
import { makeLineKey } from './alarm-items.ts'
import type { AlarmFinding } from './alarm-rules.ts'

/** A fault without an alarm of its own. */
export interface NotedFault {
  item: AlarmItem
  finding: AlarmFinding
  /** Elapsed ms: when it was first seen. */
  at: number
  /** Unix ms. */
  since: number
}

/** The faults of one kind that belong to one thing, such as all overdue volumes of a server. In order of `at`. */
export interface FaultLine {
  key: string
  parent: string
  finding: AlarmFinding
  /** Those without an alarm. */
  waiting: Map<string, NotedFault>
  /** Those of the alarm that the line has, if it has one. */
  members: Map<string, NotedFault>
  hasAlarm: boolean
}

/** All faults without an alarm of their own, in lines. */
export class FaultLines {
  readonly #faults = new Map<string, NotedFault>()
  readonly #lines = new Map<string, FaultLine>()

  find(key: string): NotedFault | undefined {
    return this.#faults.get(key)
  }

  all(): Iterable<FaultLine> {
    return this.#lines.values()
  }

  add(fault: NotedFault): void {
    const line = this.open(fault.item.parent, fault.finding)
    this.#faults.set(fault.item.key, fault)
    ;(line.hasAlarm ? line.members : line.waiting).set(fault.item.key, fault)
  }

  remove({ item: { key, parent }, finding }: NotedFault): void {
    this.#faults.delete(key)
    const line = this.#lines.get(makeLineKey(parent, finding))
    if (!line) return
    line.waiting.delete(key)
    line.members.delete(key)
    this.#dropIfEmpty(line)
  }

  /** The line of this kind; a new one if there is none. */
  open(parent: string, { kind, severity }: Pick<AlarmFinding, 'kind' | 'severity'>): FaultLine {
    const finding = { kind, severity, size: 1 }
    const key = makeLineKey(parent, finding)
    const known = this.#lines.get(key)
    if (known) return known
    const line = { key, parent, finding, waiting: new Map(), members: new Map(), hasAlarm: false }
    this.#lines.set(key, line)
    return line
  }

  /** From now on, all faults of the line belong to its alarm. */
  gather(line: FaultLine): void {
    line.hasAlarm = true
    for (const [key, fault] of line.waiting) line.members.set(key, fault)
    line.waiting.clear()
    this.#lines.set(line.key, line)
  }

  /** The alarm of the line was cleared. */
  scatter(line: FaultLine): void {
    line.hasAlarm = false
    for (const [key, fault] of line.members) line.waiting.set(key, fault)
    line.members.clear()
    this.#dropIfEmpty(line)
  }

  #dropIfEmpty({ key, hasAlarm, waiting, members }: FaultLine): void {
    if (!hasAlarm && waiting.size + members.size === 0) this.#lines.delete(key)
  }
}
