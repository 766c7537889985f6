import { randomBytes } from 'node:crypto'
import { type Alarm, MAX_NAMED, type UnnumberedAlarm } from './alarms/alarm.ts'
import type { AlarmStep } from './alarms/alarm-board.ts'
import { CONTROLLER, describeGroup, makeControllerItem, makeGroupTarget } from './alarms/alarm-items.ts'
import { makeFinding } from './alarms/alarm-rules.ts'
import type { NotedFault } from './alarms/fault-lines.ts'
import { describeFault } from './describe-alarm.ts'
import type { World } from './world.ts'

const MAX_MESSAGE = 2000

/** The alarm as it is after a step. */
export function makeAlarm(world: World, step: AlarmStep): UnnumberedAlarm {
  if (step.what === 'raise') return makeRaised(world, step)
  // It may have been acknowledged meanwhile.
  const alarm = world.alarms.book.find(step.alarm.id) ?? step.alarm
  if (step.what === 'clear') return { ...alarm, clearedAt: world.clock.now() }
  const { finding, faults, isWorse } = step
  const changed = { ...alarm, kind: finding.kind, severity: finding.severity, count: finding.size }
  return {
    ...changed,
    ...(faults.length > 0 && nameFaults(faults)),
    message: describeAlarm(world, changed, faults),
    acknowledged: isWorse ? null : alarm.acknowledged,
  }
}

function makeRaised(world: World, { line, faults, isGroup }: AlarmStep & { what: 'raise' }): UnnumberedAlarm {
  const [first] = faults
  const { kind, severity } = line.finding
  const alarm = {
    ...makeBlank(world),
    key: isGroup || !first ? line.key : first.item.key,
    parent: line.parent,
    isGroup,
    ...{ kind, severity },
    target: isGroup || !first ? makeGroupTarget(line.parent, kind) : first.item.target,
    ...nameFaults(faults),
    count: isGroup ? faults.length : (first?.finding.size ?? 1),
    since: Math.min(...faults.map((fault) => fault.since)),
    isInSummary: world.alarms.isFirstRound,
  }
  return { ...alarm, message: describeAlarm(world, alarm, faults) }
}

function makeBlank({ clock }: World) {
  const id = randomBytes(6).toString('hex')
  return { id, raisedSeq: null, raisedAt: clock.now(), clearedAt: null, acknowledged: null, told: [] }
}

/** Whose faults they are. */
function nameFaults(faults: readonly NotedFault[]): Pick<Alarm, 'apps' | 'servers'> {
  const targets = faults.map(({ item }) => item.target)
  const apps = new Set(targets.flatMap(({ volume }) => volume?.app ?? []))
  const servers = new Set(targets.flatMap(({ volume, server }) => (volume === null && server) || []))
  return { apps: [...apps].slice(0, MAX_NAMED), servers: [...servers].slice(0, MAX_NAMED) }
}

type Described = Pick<Alarm, 'isGroup' | 'kind' | 'target' | 'parent' | 'count'>

function describeAlarm(
  world: World,
  { isGroup, kind, target, parent, count }: Described,
  faults: readonly NotedFault[],
) {
  const one = (isGroup ? faults[0]?.item.target : undefined) ?? target
  const text = describeFault(world, one, kind)
  if (!isGroup) return text.slice(0, MAX_MESSAGE)
  return `${describeGroup(parent, kind, count)}. One of them: ${text}`.slice(0, MAX_MESSAGE)
}

/** What the first start with alarms tells, in one. */
export function makeSummary(world: World, summary: string, open: number): UnnumberedAlarm {
  const { key, target } = makeControllerItem('SUMMARY')
  const alarms = open === 1 ? '1 alarm is' : `${open} alarms are`
  const message = `This controller tells alarms from now on; ${alarms} open. ${summary}`.slice(0, MAX_MESSAGE)
  const { kind, severity } = makeFinding('SUMMARY')
  return {
    ...makeBlank(world),
    ...{ key, target, kind, severity, message },
    ...{ parent: CONTROLLER, isGroup: false, apps: [], servers: [], count: 1 },
    since: world.clock.now(),
    isInSummary: false,
  }
}
