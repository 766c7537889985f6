import { NEVER } from '../../lib/clock.ts'
import { BackupdError } from '../../lib/errors.ts'
import { goTime } from '../../lib/go-time.ts'
import { limitTexts } from '../../lib/problems.ts'
import { localZone } from '../../lib/schedule/zone.ts'
import { CAPABILITIES, OPTIONAL_CAPABILITIES } from '../../wire/capabilities.ts'
import { type DaemonDebug, PROTOCOL } from '../../wire/daemon-api.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'
import { printJobTimes } from '../print-job-times.ts'
import { readMemStats } from '../read-mem-stats.ts'
import { checkReady } from './run-request.ts'

/** Limit of problems in one answer, because one fault of the store can be a problem of thousands of volumes. */
const MAX_PROBLEMS = 200
/** Limit of problems in the answer of /healthz, which is one line. */
const MAX_REASONS = 10

export function handleSchedulerStart(_call: DaemonCall, world: DaemonParts): DaemonAnswer {
  checkReady(world)
  world.scheduler.start()
  return { status: 201, body: '' }
}

export function handleSchedulerStop(_call: DaemonCall, { scheduler }: DaemonParts): DaemonAnswer {
  scheduler.stop()
  return { status: 201, body: '' }
}

/**
 * A controller that polls sends `list`, the version of the list of jobs that it has, or nothing in it. The answer has
 * what changed since, and leaves out what describes the process.
 * `goroutines` and `mem_stats` come from the legacy daemon's Go runtime; ours are the nearest values.
 */
export function handleDebug({ fields }: DaemonCall, world: DaemonParts): DaemonAnswer {
  compareClocks(fields, world)
  const running = world.engine.running().map(({ rid }) => rid)
  const isPoll = fields.has('list')
  const { jobsVersion, listVersion, verifyDemand } = world.engine
  const body: DaemonDebug & Record<string, unknown> = {
    crond_status: world.engine.status,
    ...(isPoll ? describeTimes(world, fields.text('list')) : describeProcess()),
    running_tasks: running.length,
    startTime: goTime(world.startTime),
    updateTime: goTime(readUpdateTime(world)),
    protocol: PROTOCOL,
    capabilities: [...CAPABILITIES, ...(world.engine.drillPlace.isNamed ? OPTIONAL_CAPABILITIES : [])],
    ...(jobsVersion !== '' && { jobsVersion }),
    listVersion,
    daemonId: world.daemonId,
    ip: world.ip,
    version: world.version,
    ...(verifyDemand && { verify: verifyDemand }),
    ...(world.certificate && { authorities: world.certificate.trusted }),
    ...(world.certificate?.signsSince !== undefined && { signsSince: world.certificate.signsSince }),
    ...(world.bond.controller && describeBond(world.bond.controller, world)),
    running,
    problems: limitTexts(listProblems(world), MAX_PROBLEMS),
    store: world.space.get(),
    ...describeKeptCopies(world),
    clock: describeClock(world),
    timeZone: localZone(),
  }
  return { status: 200, body }
}

function describeKeptCopies({ keptCopies }: DaemonParts): Pick<DaemonDebug, 'keptOld'> {
  const keptOld = keptCopies.list
  return keptOld.length === 0 ? {} : { keptOld }
}

function describeBond(controller: NonNullable<DaemonDebug['controller']>, { notifier }: DaemonParts) {
  return { controller, newsWaitingMs: Math.ceil(notifier.waitingMsUnder(controller.url)) }
}

function describeProcess() {
  return { goroutines: process.getActiveResourcesInfo().length, mem_stats: readMemStats() }
}

function describeTimes({ engine }: DaemonParts, listVersion: string): Pick<DaemonDebug, 'times'> {
  const changed = listVersion === engine.listVersion ? undefined : engine.jobsSince(listVersion)
  if (!changed) return {}
  return { times: changed.map(printJobTimes) }
}

/**
 * A controller whose clock is not in doubt sends its time with the request: `clock` (unix ms) and `boot` (its boot
 * id).
 */
function compareClocks(fields: RequestFields, { trustedClock }: DaemonParts): void {
  const nowMs = Number(fields.text('clock'))
  const bootId = fields.text('boot')
  if (Number.isSafeInteger(nowMs) && nowMs > 0 && bootId !== '') trustedClock.compareWith({ nowMs, bootId })
}

function describeClock({ trustedClock }: DaemonParts): NonNullable<DaemonDebug['clock']> {
  const { doubt } = trustedClock
  return { now: trustedClock.wallMs, boot: trustedClock.bootId, inDoubt: doubt !== null }
}

/** The operator confirms that the clock of this machine is right. */
export function handleClockConfirm(_call: DaemonCall, { trustedClock }: DaemonParts): DaemonAnswer {
  trustedClock.confirm()
  return { status: 200, body: 'OK' }
}

/** A controller asks for it when the daemon does not trust the same authorities. The renewal goes on after the answer. */
export function handleCertificateRenew(_call: DaemonCall, { certificate }: DaemonParts): DaemonAnswer {
  if (!certificate)
    throw new BackupdError('CONFLICT', 'This daemon is not enrolled, so it renews no certificate')
  void certificate.renewNow()
  return { status: 202, body: 'OK' }
}

/** NEVER after a notify address was dropped, which makes the controller register again. */
function readUpdateTime({ engine, notifier }: DaemonParts): string {
  return notifier.droppedAddress ? NEVER : engine.updateTime
}

function listProblems({ engine, problems }: DaemonParts): string[] {
  const locked = engine.locked().map(({ path, reason }) => `The volume ${path} is locked: ${reason}`)
  return [...problems.list().map(({ text }) => text), ...locked]
}

/** 503 only while the daemon cannot work, because supervisors restart what answers 503. */
export function handleHealth(_call: DaemonCall, world: DaemonParts): DaemonAnswer {
  const notReady = world.notReady()
  if (notReady !== undefined) return { status: 503, body: { status: 'starting', reason: notReady } }
  world.space.get()
  const reasons = listProblems(world)
  if (reasons.length === 0) return { status: 200, body: { status: 'ok' } }
  const isFailing = world.problems.list().some(({ isFatal }) => isFatal)
  const reason = limitTexts(reasons, MAX_REASONS).join('; ')
  return { status: isFailing ? 503 : 200, body: { status: isFailing ? 'failing' : 'degraded', reason } }
}
