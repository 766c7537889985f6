import type { Clock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Problems } from '../lib/problems.ts'
import type { TrustedClock } from '../lib/trusted-clock.ts'
import { isProofJob } from '../wire/find-app.ts'
import { isTerminal, type RunRecord } from '../wire/record.ts'
import { AccessState } from './access/access-state.ts'
import { DownloadTickets } from './access/download-tickets.ts'
import { SessionBook } from './access/session-book.ts'
import { TokenBook } from './access/token-book.ts'
import { AlarmDesk } from './alarms/alarm-desk.ts'
import { Background } from './background.ts'
import { reportClock } from './clocks.ts'
import { reportCorrupt } from './corrupt-backups.ts'
import { DeleteDesk } from './delete-desk.ts'
import { EnrolmentBook } from './enrolment/enrolment-book.ts'
import { noteOutcome } from './failed-runs.ts'
import { forgetHistoryIfDue } from './forget-history.ts'
import { HealthBoard } from './health/board.ts'
import { JudgingClock } from './health/judging-clock.ts'
import { emptyInventory, releaseHeld, restoreInventory } from './inventory.ts'
import { checkSilentRuns } from './lost-records.ts'
import { NamespaceReaders } from './namespace-readers.ts'
import { NewsGate, type NewsLimits } from './news-gate.ts'
import { NewsLine } from './news-line.ts'
import { NotifyDesk } from './notify/notify-desk.ts'
import { reportOverload } from './overload.ts'
import { OwnStalls } from './own-stalls.ts'
import { Pace } from './pace.ts'
import { pingSoon } from './ping.ts'
import { findPlannedJob } from './plan.ts'
import { findJobApp } from './planned-job.ts'
import { RecordLedger } from './record-ledger.ts'
import { RelistQueue } from './relist-queue.ts'
import { saveLastSeen, saveServersSoon } from './save-servers.ts'
import { restoreNotifications, sendNotificationsSoon, storeOutcomes } from './send-notifications.ts'
import { pollDue, restoreServers } from './servers.ts'
import { SetAside } from './set-aside.ts'
import { takeNews } from './take-news.ts'
import { restoreAlarms, updateAlarmsSoon } from './update-alarms.ts'
import { restoreStoreHistory, updateHealthSoon } from './update-health.ts'
import { type ControllerSettings, type Polling, type Ports, trustedNow, type World } from './world.ts'

export interface ControllerInput {
  ports: Ports
  clock: Clock
  /** If left out, the clock is never in doubt. */
  trustedClock?: TrustedClock
  log: Log
  /** The board with earlier problems, if there is one. */
  problems?: Problems
  settings: ControllerSettings
  /** Limits of waiting news that differ from NEWS_LIMITS. */
  newsLimits?: Partial<NewsLimits> | undefined
  /** From 0 to 1; default: Math.random. */
  random?: () => number
}

/** Creates the world from what the catalog remembers. It does not contact any daemon yet. */
export async function createWorld(input: ControllerInput): Promise<World> {
  const world = makeWorld(input)
  // At the same time, because the catalog reads in a thread while the inventory is planned here.
  await Promise.all([
    world.ledger.load(),
    world.tokens.load(),
    world.sessions.load(),
    world.enrolments.load(),
    restoreInventory(world),
    reportCorrupt(world),
  ])
  await restoreServers(world)
  await restoreStoreHistory(world)
  await restoreAlarms(world)
  await restoreNotifications(world)
  return world
}

function makeWorld(input: ControllerInput): World {
  const { ports, clock, trustedClock, log, settings } = input
  const { problems = new Problems(clock), random = Math.random } = input
  const background = new Background(log, problems)
  const stalls = new OwnStalls(clock)
  const onChange = (record: RunRecord) => {
    noteOutcome(world, record)
    world.health.noteRun(record)
    noteEnd(world, record)
  }
  // The runs of a verify or drill job are about the backups of apps, which they name.
  const appOfJob = (id: string) => {
    const planned = id === '' ? undefined : findPlannedJob(world.inventory.plan, id)
    return planned && !isProofJob(planned.action) ? findJobApp(planned) : undefined
  }
  const judgingClock = new JudgingClock(clock, trustedClock)
  const world: World = {
    ports,
    clock,
    trustedClock,
    log,
    problems,
    settings,
    inventory: emptyInventory(),
    rereadInventory: async () => {},
    servers: new Map(),
    polling: makePolling(clock, random),
    readers: new NamespaceReaders(ports.daemon, clock),
    stalls,
    ledger: new RecordLedger(ports.records, { clock, stalls, appOfJob, onChange }),
    access: new AccessState(ports.access),
    enrolments: new EnrolmentBook(ports.enrolments, ports.enrolmentMark),
    downloads: new DownloadTickets(() => clock.elapsed()),
    tokens: new TokenBook(ports.tokens, () => trustedNow(world)),
    sessions: new SessionBook(ports.sessions, {
      now: () => trustedNow(world),
      findToken: (id) => world.tokens.find(id),
    }),
    newsGate: new NewsGate(clock, input.newsLimits),
    newsLine: new NewsLine((posts) => takeNews(world, posts)),
    background,
    relisting: new RelistQueue(background),
    history: { forgottenAt: null, closing: false },
    setAside: new SetAside({ clock, log, problems }),
    deletes: new DeleteDesk(),
    health: new HealthBoard({ clock: judgingClock, minGraceMs: settings.overdueGraceMs }),
    alarms: new AlarmDesk(ports.alarms, clock),
    notify: new NotifyDesk(trustedClock ?? clock),
  }
  return world
}

function noteEnd({ settings, health }: World, record: RunRecord): void {
  if (!isTerminal(record.state)) return
  settings.onEnded?.(record, health.servers.readTime(record.server, record.end))
}

/** A fleet of this size or less is polled at once after a start. */
const MIN_POLLS_PER_SECOND = 100
const REFRESHES_PER_SECOND = 20
/** At most 10 at once. */
const REVIVALS_PER_SECOND = 50

function makePolling(clock: Clock, random: () => number): Polling {
  return {
    polls: new Pace(clock, MIN_POLLS_PER_SECOND),
    refreshes: new Pace(clock, REFRESHES_PER_SECOND),
    revivals: new Pace(clock, REVIVALS_PER_SECOND),
    random,
  }
}

/** Does what is due now; call it every second. */
export function tick(world: World): void {
  void world.background.run('put the held inventory in force', () => releaseHeld(world))
  reportClock(world)
  pollDue(world)
  saveServersSoon(world)
  checkSilentRuns(world)
  reportOverload(world)
  forgetHistoryIfDue(world)
  world.setAside.forgetOld()
  updateHealthSoon(world)
  updateAlarmsSoon(world)
  sendNotificationsSoon(world)
  pingSoon(world)
  void world.background.run('note the last use of tokens', () => world.tokens.noteUses())
  void world.background.run('note the last use of sessions', () => world.sessions.store())
}

/** Ends subscriptions and waits for background work. */
export async function closeWorld(world: World): Promise<void> {
  world.history.closing = true
  world.background.close()
  world.relisting.close()
  world.ledger.events.close()
  world.alarms.book.events.close()
  using _waiting = world.notify.stopSoon()
  await world.background.settled()
  await saveLastSeen(world)
  await storeOutcomes(world).catch((error) =>
    world.log.warn({ err: error }, `Cannot store which notifications were sent: ${messageOf(error)}`),
  )
}
