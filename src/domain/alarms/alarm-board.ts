import type { Clock } from '../../lib/clock.ts'
import type { Alarm } from './alarm.ts'
import { type AlarmItem, findServerOfParent, isStore } from './alarm-items.ts'
import {
  type AlarmFinding,
  compareFindings,
  explainsMissingBackups,
  isAlarmKind,
  isExplainedByServer,
  makeFinding,
} from './alarm-rules.ts'
import { Explanations } from './explanations.ts'
import { type FaultLine, FaultLines, type NotedFault } from './fault-lines.ts'

/** A fault becomes an alarm if it still holds so much later: a daemon may be restarted within that time. */
export const LOOK_MS = 60_000
/** An alarm is cleared if nothing was wrong for so long. */
export const QUIET_MS = 5 * 60_000
/** So many faults of one kind that belong to one thing have one alarm together. */
export const GROUP_FROM = 5

type Trend = 'unknown' | 'same' | 'worse' | 'milder' | 'gone'

interface OpenAlarm {
  alarm: Alarm
  /** Of an alarm for one thing, what is wrong with it now; null: nothing, undefined: not known yet. */
  now: AlarmFinding | null | undefined
  item: AlarmItem | undefined
  /** Of an alarm for several. */
  line: FaultLine | undefined
  trend: Trend
  /** Elapsed ms. */
  trendAt: number
}

/** What is due. */
export type AlarmStep =
  | { what: 'raise'; line: FaultLine; faults: NotedFault[]; isGroup: boolean }
  | { what: 'change'; alarm: Alarm; finding: AlarmFinding; faults: NotedFault[]; isWorse: boolean }
  | { what: 'clear'; alarm: Alarm }

/**
 * What is wrong now and since when, and the open alarms. Each piece of news changes one item. To find what is due costs as
 * much as there are kinds of faults and open alarms, however many volumes there are.
 */
export class AlarmBoard {
  readonly #clock: Clock
  readonly #lines = new FaultLines()
  readonly #open = new Map<string, OpenAlarm>()
  readonly #openOf = new Map<string, Set<OpenAlarm>>()
  readonly #explanations: Explanations

  constructor(clock: Clock) {
    this.#clock = clock
    this.#explanations = new Explanations(clock, QUIET_MS)
  }

  /** Takes over an alarm that was open before a restart. It stays until it is known that nothing is wrong any more. */
  restore(alarm: Alarm): void {
    const line = alarm.isGroup ? this.#lines.open(alarm.parent, alarm) : undefined
    if (line) this.#lines.gather(line)
    this.#add({ alarm, now: undefined, item: undefined, line, trend: 'unknown', trendAt: 0 })
  }

  /** @param finding what is wrong with the item now; null: nothing @param isOld it has been seen before */
  note(item: AlarmItem, finding: AlarmFinding | null, isOld = false): void {
    const open = this.#open.get(item.key)
    this.#noteExplanation(item, finding, open)
    if (open) {
      open.now = finding
      open.item = item
      return
    }
    const known = this.#lines.find(item.key)
    if (
      known &&
      finding &&
      known.finding.kind === finding.kind &&
      known.finding.severity === finding.severity
    )
      known.finding = finding
    else {
      if (known) this.#lines.remove(known)
      if (finding) this.#addFault(item, finding, isOld)
    }
  }

  #addFault(item: AlarmItem, finding: AlarmFinding, isOld: boolean): void {
    const at = this.#clock.elapsed() - (isOld ? LOOK_MS : 0)
    this.#lines.add({ item, finding, at, since: this.#clock.now() })
  }

  #noteExplanation({ key, target }: AlarmItem, finding: AlarmFinding | null, open?: OpenAlarm): void {
    if (target.type === 'VOLUME' || target.server === null) return
    const explained = open !== undefined && open.now === undefined && explainsMissingBackups(open.alarm)
    if (explained) this.#explanations.begin(target.server, key)
    if (finding && explainsMissingBackups(finding)) this.#explanations.begin(target.server, key)
    else this.#explanations.end(target.server, key)
  }

  /**
   * All that belongs to it was noted: alarms of before the start that were not are about what is gone or well.
   * @param parent undefined: everything was noted
   */
  settle(parent?: string): void {
    const open = parent === undefined ? this.#open.values() : (this.#openOf.get(parent) ?? [])
    for (const each of open) if (each.now === undefined) each.now = null
  }

  /** What is due now. Commit each step once it is on disk. */
  *listSteps(): Generator<AlarmStep> {
    for (const line of this.#lines.all()) yield* this.#listRaises(line)
    for (const open of this.#open.values()) {
      const step = this.#findChange(open)
      if (step) yield step
    }
  }

  *#listRaises(line: FaultLine): Generator<AlarmStep> {
    const dueAt = this.#clock.elapsed() - LOOK_MS
    const [first] = line.waiting.values()
    if (!first || first.at > dueAt || this.#isExplained(line)) return
    const due = [...line.waiting.values()].filter(({ at }) => at <= dueAt)
    const alone = [...(this.#openOf.get(line.parent) ?? [])].filter(
      ({ alarm, line: own }) => !own && alarm.kind === line.finding.kind,
    )
    if (due.length + alone.length >= (isStore(line.parent) ? 1 : GROUP_FROM))
      yield { what: 'raise', line, faults: [...line.waiting.values()], isGroup: true }
    else for (const fault of due) yield { what: 'raise', line, faults: [fault], isGroup: false }
  }

  #isExplained({ parent, finding: { kind } }: FaultLine): boolean {
    const server = findServerOfParent(parent)
    return server !== null && isExplainedByServer(kind) && this.#explanations.has(server)
  }

  #findChange(open: OpenAlarm): AlarmStep | undefined {
    const now = this.#clock.elapsed()
    const finding = readPresent(open)
    const trend = findTrend(open.alarm, finding)
    if (trend !== open.trend) open.trendAt = now
    open.trend = trend
    const ms = now - open.trendAt
    if (trend === 'gone' && ms >= QUIET_MS) return { what: 'clear', alarm: open.alarm }
    const isDue = (trend === 'worse' && ms >= LOOK_MS) || (trend === 'milder' && ms >= QUIET_MS)
    if (!isDue || !finding) return undefined
    const faults = [...(open.line?.members.values() ?? [])]
    return { what: 'change', alarm: open.alarm, finding, faults, isWorse: trend === 'worse' }
  }

  /** @param alarm as it is on disk after the step */
  commit(step: AlarmStep, alarm: Alarm): void {
    const open = this.#open.get(alarm.key)
    if (step.what === 'raise') this.#add(this.#makeOpen(step, alarm))
    else if (open) open.alarm = alarm
    if (step.what === 'clear' && open) this.#close(open)
  }

  /** The alarm was changed in another way. */
  replace(alarm: Alarm): void {
    const open = this.#open.get(alarm.key)
    if (open?.alarm.id === alarm.id) open.alarm = alarm
  }

  #makeOpen({ line, faults, isGroup }: AlarmStep & { what: 'raise' }, alarm: Alarm): OpenAlarm {
    const open = {
      alarm,
      item: undefined,
      line: undefined,
      trend: 'same',
      trendAt: this.#clock.elapsed(),
    } as const
    if (isGroup) {
      this.#lines.gather(line)
      return { ...open, now: null, line }
    }
    const known = this.#lines.find(alarm.key)
    if (known) this.#lines.remove(known)
    return { ...open, now: known?.finding ?? null, item: faults[0]?.item }
  }

  #add(open: OpenAlarm): void {
    this.#open.set(open.alarm.key, open)
    const ofParent = this.#openOf.get(open.alarm.parent) ?? new Set()
    this.#openOf.set(open.alarm.parent, ofParent.add(open))
  }

  /** A fault that came back while this was stored begins again. */
  #close(open: OpenAlarm): void {
    const { key, parent } = open.alarm
    this.#open.delete(key)
    const ofParent = this.#openOf.get(parent)
    ofParent?.delete(open)
    if (ofParent?.size === 0) this.#openOf.delete(parent)
    if (open.line) this.#lines.scatter(open.line)
    if (open.item && open.now) this.#addFault(open.item, open.now, false)
  }
}

/** What is wrong now; null: nothing, undefined: it is not known yet. */
function readPresent({ now, line }: OpenAlarm): AlarmFinding | null | undefined {
  return line && line.members.size > 0 ? { ...line.finding, size: line.members.size } : now
}

function findTrend(alarm: Alarm, finding: AlarmFinding | null | undefined): Trend {
  if (finding === undefined) return 'unknown'
  if (finding === null) return 'gone'
  if (!isAlarmKind(alarm.kind)) return 'worse'
  const told = makeFinding(alarm.kind, { severity: alarm.severity, size: alarm.count })
  const order = compareFindings(finding, told)
  if (order === 0) return 'same'
  return order < 0 ? 'worse' : 'milder'
}
