import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import { makeCaller, OWN_PROCESS } from './access/principal.ts'
import type { Alarm } from './alarms/alarm.ts'
import type { AlarmStep } from './alarms/alarm-board.ts'
import { makeControllerItem } from './alarms/alarm-items.ts'
import { ALARM_RULES_VERSION } from './alarms/alarm-rules.ts'
import { relistSoon } from './listing.ts'
import { makeAlarm, makeSummary } from './make-alarm.ts'
import { isServerKnown, listenToHealth, noteOwnAlarms, openAlarmGate } from './note-alarms.ts'
import { readWholeHealth } from './read-whole-health.ts'
import type { ServerState } from './server-state.ts'
import { asCaller } from './user-world.ts'
import { trustedNow, type World } from './world.ts'

/** How often it looks for what is due. */
const TURN_MS = 5000
/** How often the controller looks at itself. */
const OWN_LOOK_MS = 30_000
/** Changes in one transaction: each needs a sentence. */
const MAX_TOGETHER = 100

/** Takes over the alarms of before the start. */
export async function restoreAlarms(world: World): Promise<void> {
  const { alarms } = world
  await alarms.book.load()
  for (const alarm of listOpen(world)) alarms.board.restore(alarm)
  alarms.isFirstRound = alarms.book.rules !== ALARM_RULES_VERSION && world.servers.size > 0
  listenToHealth(world)
}

function listOpen({ alarms }: World): Alarm[] {
  return alarms.book.list().filter(({ clearedAt }) => clearedAt === null)
}

/** Raises and clears what is due, in the background; call it as often as you like. */
export function updateAlarmsSoon(world: World): void {
  const { alarms, clock } = world
  if (clock.elapsed() - alarms.lookedAt < TURN_MS) return
  alarms.lookedAt = clock.elapsed()
  void world.background.run('raise and clear alarms', () => updateAlarms(world))
}

async function updateAlarms(world: World): Promise<void> {
  const { alarms } = world
  await lookAtItself(world)
  const areAllKnown = await openGates(world)
  if (alarms.isFirstRound && !areAllKnown) return
  await storeDue(world)
  await endAcknowledgements(world)
  if (alarms.isFirstRound) await tellSummary(world)
  if (alarms.book.rules !== ALARM_RULES_VERSION) await alarms.book.saveRules(ALARM_RULES_VERSION)
  alarms.isFirstRound = false
}

async function lookAtItself(world: World): Promise<void> {
  const { alarms, clock } = world
  if (clock.elapsed() - alarms.ownLookedAt < OWN_LOOK_MS) return
  alarms.ownLookedAt = clock.elapsed()
  await noteOwnAlarms(world)
}

/** Begins to judge the servers of which all is known. Returns whether that are all. */
async function openGates(world: World): Promise<boolean> {
  const { alarms } = world
  const known = await doInSlices(listKnown(world))
  const areAllKnown = known.length === listClosed(world).length
  if (alarms.isFirstRound && !areAllKnown) return false
  await doInSlices(openEach(world, known))
  if (areAllKnown && !alarms.isSettled) alarms.board.settle()
  alarms.isSettled ||= areAllKnown
  return areAllKnown
}

function listClosed({ alarms, servers }: World): ServerState[] {
  return [...servers.values()].filter(({ ip }) => !alarms.gate.isOpen(ip))
}

function* listKnown(world: World): Interruptible<ServerState[]> {
  const known: ServerState[] = []
  for (const server of listClosed(world)) {
    if (isServerKnown(world, server)) known.push(server)
    yield
  }
  return known
}

function* openEach(world: World, servers: readonly ServerState[]): Interruptible<void> {
  for (const server of servers) {
    openAlarmGate(world, server, world.alarms.isFirstRound)
    if (server.wasTold) relistSoon(world, server)
    server.wasTold = false
    yield
  }
}

async function storeDue(world: World): Promise<void> {
  let together: AlarmStep[] = []
  for (const step of world.alarms.board.listSteps()) {
    together.push(step)
    if (together.length < MAX_TOGETHER) continue
    await storeSteps(world, together)
    together = []
  }
  await storeSteps(world, together)
}

async function storeSteps(world: World, steps: readonly AlarmStep[]): Promise<void> {
  const { book, board } = world.alarms
  await book.change(
    () => steps.map((step) => makeAlarm(world, step)),
    (alarms) => {
      for (const [at, alarm] of alarms.entries()) {
        board.commit(steps[at] as AlarmStep, alarm)
        logAlarm(world, alarm)
      }
    },
  )
}

function logAlarm({ log }: World, { id, kind, severity, clearedAt, message }: Alarm): void {
  const facts = { alarm: id, kind, severity }
  if (clearedAt !== null) log.info(facts, `Alarm cleared: ${message}`)
  else log.warn(facts, `Alarm: ${message}`)
}

async function tellSummary(world: World): Promise<void> {
  const { book, board } = world.alarms
  const { summary } = await readWholeHealth(asCaller(world, makeCaller(OWN_PROCESS, 'backupd')))
  await book.change(
    () => [makeSummary(world, summary, listOpen(world).length)],
    ([alarm]) => alarm && board.restore(alarm),
  )
  board.note(makeControllerItem('SUMMARY'), null)
}

/** Those whose time has passed. */
async function endAcknowledgements(world: World): Promise<void> {
  const { book, board } = world.alarms
  const now = trustedNow(world)
  await book.change(
    () =>
      listOpen(world)
        .filter(({ acknowledged }) => acknowledged && acknowledged.until <= now)
        .map((alarm) => ({ ...alarm, acknowledged: null })),
    (alarms) => {
      for (const alarm of alarms) board.replace(alarm)
    },
  )
}
