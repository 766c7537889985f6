import { encodeCursor, parseRowCursor } from '../wire/cursor.ts'
import { countMatches, type ListCount, type Page, type Slice } from '../wire/listing.ts'
import type { Alarm, AlarmKind, AlarmSeverity } from './alarms/alarm.ts'
import { type Answer, refuse } from './answer.ts'
import { audited } from './audit.ts'
import { refuseUnlessPermitted } from './permission.ts'
import { seesAlarm } from './see-alarm.ts'
import type { UserWorld } from './user-world.ts'
import { trustedNow } from './world.ts'

/** All fields must match, of a list any value. */
export interface AlarmFilter {
  open?: boolean
  acknowledged?: boolean
  severities?: AlarmSeverity[]
  kinds?: AlarmKind[]
  app?: string
  server?: string
}

/** Newest first; those that exist for the caller. Throws BAD_INPUT for a bad cursor. */
export function findAlarms(world: UserWorld, filter: AlarmFilter, page: Page): Slice<Alarm> {
  const before = parseRowCursor('alarm', page)
  const matches = makeMatcher(world, filter)
  const items: Slice<Alarm>['items'] = []
  for (const node of world.alarms.book.list()) {
    if (before !== undefined && node.raisedSeq >= before) continue
    if (!matches(node)) continue
    if (items.length === page.first) return { items, hasNextPage: true }
    items.push({ cursor: encodeCursor('alarm', String(node.raisedSeq)), node })
  }
  return { items, hasNextPage: false }
}

export function countAlarms(world: UserWorld, filter: AlarmFilter): ListCount {
  return countMatches(world.alarms.book.list(), makeMatcher(world, filter))
}

function makeMatcher(world: UserWorld, filter: AlarmFilter): (alarm: Alarm) => boolean {
  const servers = new Map<string, boolean>()
  return (alarm) => matchesAlarmFilter(alarm, filter) && seesAlarm(world, alarm, servers)
}

function matchesAlarmFilter(alarm: Alarm, filter: AlarmFilter): boolean {
  const { open, acknowledged, severities, kinds, app, server } = filter
  if (open !== undefined && open !== (alarm.clearedAt === null)) return false
  if (acknowledged !== undefined && acknowledged !== (alarm.acknowledged !== null)) return false
  if (severities && !severities.includes(alarm.severity)) return false
  if (kinds && !kinds.includes(alarm.kind)) return false
  if (app !== undefined && !alarm.apps.includes(app)) return false
  return server === undefined || alarm.target.server === server || alarm.servers.includes(server)
}

export interface AcknowledgeRequest {
  id: string
  /** Unix ms. */
  until: number
  why: string
}

const MAX_WHY = 500

/** Notes that somebody takes care of an alarm; on disk when it resolves. A worse state ends it. */
export function acknowledgeAlarm(world: UserWorld, request: AcknowledgeRequest): Promise<Answer<Alarm>> {
  const { id, until, why } = request
  const facts = { id, until, why: why.slice(0, MAX_WHY) }
  return audited(
    world,
    { verb: 'acknowledgeAlarm', facts },
    {
      check() {
        const alarm = world.alarms.book.find(id)
        if (!alarm || !seesAlarm(world, alarm))
          return refuse('NOT_FOUND', `There is no alarm "${id}"`, { id })
        const app = alarm.target.volume?.app
        const target = app === undefined ? 'everything' : { app }
        return refuseUnlessPermitted(world, 'acknowledge', target) ?? refuseInvalid(world, request)
      },
      act: () => store(world, request),
    },
  )
}

function refuseInvalid(world: UserWorld, { until, why }: AcknowledgeRequest) {
  const refuseInput = (what: string) => refuse('BAD_INPUT', `Cannot acknowledge the alarm: ${what}`)
  if (why.length > MAX_WHY || why.trim() === '')
    return refuseInput(`"why" has ${why.length} characters, expected 1 to ${MAX_WHY}`)
  if (until <= trustedNow(world)) return refuseInput('the time "until" has passed, expected a later one')
  return undefined
}

async function store(world: UserWorld, { id, until, why }: AcknowledgeRequest): Promise<Answer<Alarm>> {
  const { book, board } = world.alarms
  const acknowledged = { by: world.caller.who, at: world.clock.now(), until, why }
  const open = () => {
    const alarm = book.find(id)
    return alarm?.clearedAt === null ? [{ ...alarm, acknowledged }] : []
  }
  let stored: Alarm | undefined
  await book.change(open, ([alarm]) => {
    stored = alarm
    if (alarm) board.replace(alarm)
  })
  return (
    stored ?? refuse('CONFLICT', `The alarm "${id}" was cleared. There is nothing to acknowledge`, { id })
  )
}
