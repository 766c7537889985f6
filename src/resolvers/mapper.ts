// Converts the domain's types to GraphQL's; only the files named `*mapper.ts` do so.

import { findPlannedVolume, isOrphaned } from '../domain/backups.ts'
import { findLink } from '../domain/enrolment/server-link.ts'
import type { Enrolment } from '../domain/enrolment-ports.ts'
import type { ShownInventory } from '../domain/inventory-status.ts'
import type { JobView } from '../domain/jobs.ts'
import { listHolds } from '../domain/pins.ts'
import { findVolumeByPath, type PlannedVolume } from '../domain/plan.ts'
import { readServerProblems } from '../domain/server-problems.ts'
import {
  hasListedBackups,
  isReachable,
  listServerCapabilities,
  newServer,
  type ServerState,
} from '../domain/server-state.ts'
import { seesEverything, seesServer, type UserWorld } from '../domain/user-world.ts'
import type { World } from '../domain/world.ts'
import { isoTime, NEVER } from '../lib/clock.ts'
import { ERROR_CODES, isErrorCode } from '../lib/error-codes.ts'
import { type BackupInfo, isGood } from '../wire/backup.ts'
import type { DaemonDebug } from '../wire/daemon-api.ts'
import { count } from '../wire/fields.ts'
import { findApp } from '../wire/find-app.ts'
import type { InventoryApp, InventoryInstance, InventoryProc } from '../wire/inventory.ts'
import { listPins, MAX_LISTED_PINS } from '../wire/pin.ts'
import { chooseListedHooks, type RunRecord, type RunResult } from '../wire/record.ts'
import type { Verification } from '../wire/verification.ts'
import type { BackupMode } from './enums/backup-enums.ts'
import { toPlannedRecover } from './recover-plan-mapper.ts'
import type { App, Instance, Proc, Volume } from './types/app.ts'
import type { Backup } from './types/backup.ts'
import type { InventoryStatus } from './types/inventory.ts'
import type { Job } from './types/job.ts'
import type { BackupResult, Record, RecordError } from './types/record.ts'
import type { Server, ServerDebug, ServerEnrolment } from './types/server.ts'

export function toApp({ name, procs }: InventoryApp): App {
  return { name, source: procs }
}

export function toProc(app: string, { name, shortName, instances }: InventoryProc): Proc {
  return { name, shortName, app, source: instances }
}

export function toInstance(proc: Proc, instance: InventoryInstance): Instance {
  return {
    no: instance.no,
    containers: instance.containers,
    app: proc.app,
    proc: proc.name,
    source: instance,
  }
}

export function toVolume(volume: PlannedVolume): Volume {
  const { app, proc, instanceNo, name, path } = volume
  return { app, proc, instanceNo, name, path, source: volume }
}

export function toJob(view: JobView): Job {
  const { id, job, volume, asleep, prevRun, nextRun, expire, problem } = view
  return {
    id,
    spec: job.spec,
    action: job.action,
    proc: volume?.proc ?? null,
    volume: volume?.name ?? null,
    instanceNo: volume?.instanceNo ?? null,
    mode: toMode(job.args),
    asleep,
    prevRun,
    nextRun,
    expire,
    args: job.args,
    writtenHooks: job.options?.hooks,
    problem,
    appName: view.app,
    serverIp: view.server,
  }
}

export function toRecord(world: World, record: RunRecord): Record {
  const { args, action } = record
  return {
    rid: record.rid,
    app: findApp(record),
    proc: toText(args.proc),
    ...findPlace(world, record),
    mode: toMode(args),
    action,
    jobId: record.jobId || null,
    spec: record.spec,
    scheduled: record.type === 'cron',
    args,
    state: record.state,
    progress: record.progress,
    phases: record.phases ?? [],
    result: record.result && toResult(record, record.result),
    reason: record.reason || null,
    error: record.error && toError(record.error),
    warnings: record.warnings,
    warningCount: record.warningCount,
    changedWhileRead: record.result?.changedWhileRead ?? null,
    start: record.start,
    end: record.end,
    attempt: record.attempt,
    serverIp: record.server,
  }
}

/** A backup names its volume; a recover only its directory, which the plan maps to a volume. */
function findPlace(world: World, { args, server }: RunRecord): Pick<Record, 'volume' | 'instanceNo'> {
  const target = findVolumeByPath(world.inventory.plan, server, toText(args.destDir) ?? '')
  const named = count.safeParse(args.instanceNo)
  const instanceNo = named.success ? named.data : (target?.instanceNo ?? null)
  return { volume: toText(args.volume) ?? target?.name ?? null, instanceNo }
}

function toResult(record: RunRecord, result: RunResult): BackupResult {
  return {
    file: result.file ?? null,
    size: result.size ?? null,
    deleted: result.deleted ?? [],
    entriesRestored: result.entriesRestored ?? null,
    filesRestored: result.filesRestored ?? null,
    bytesRestored: result.bytesRestored ?? null,
    directory: result.directory ?? null,
    snapshot: result.snapshot ?? null,
    deletedSnapshots: result.deletedSnapshots ?? [],
    bytesFreed: result.bytesFreed ?? null,
    filesNew: result.filesNew ?? null,
    filesChanged: result.filesChanged ?? null,
    filesUnchanged: result.filesUnchanged ?? null,
    filesDeleted: result.filesDeleted ?? null,
    bytesRead: result.bytesRead ?? null,
    bytesAdded: result.bytesAdded ?? null,
    plan: result.plan ? toPlannedRecover(result.plan, record) : null,
    verification: result.verification ?? null,
    drill: result.drill ?? null,
    hooks: chooseListedHooks(result.hooks ?? []).map((run) => ({ ...run, failure: run.failure || null })),
    hookCount: result.hooks?.length ?? 0,
    backupInfo: result.backup ?? null,
  }
}

function toError({ code, message, facts }: NonNullable<RunRecord['error']>): RecordError {
  return { code, message, action: isErrorCode(code) ? ERROR_CODES[code] : ERROR_CODES.INTERNAL, facts }
}

/**
 * The later of two proofs. Only a comparison with checksums proves something.
 * @param drill of a snapshot, which is no proof of the whole increment
 */
export function toProvenRestorable(
  proof: Verification | undefined,
  drill?: Verification & { snapshot: string },
): Backup['provenRestorable'] {
  const proofs = [drill, proof].filter((each) => each !== undefined)
  const [last] = proofs
    .filter(({ method }) => method === 'hash')
    .sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
  if (!last) return null
  const { at, rid, by = 'verify', mode = null, share } = last
  return { at, rid, by, mode, share, snapshot: drill && last === drill ? drill.snapshot : null }
}

export function toBackup(world: World, info: BackupInfo): Backup {
  return {
    id: `${info.server}/${info.name}`,
    name: info.name,
    app: info.app,
    proc: info.proc,
    volume: info.volume || (findPlannedVolume(world, info)?.name ?? ''),
    instanceNo: info.instanceNo,
    mode: info.mode,
    source: info.source,
    size: info.size,
    created: info.created,
    clockInDoubt: info.clockDoubt !== undefined,
    changedWhileRead: info.changedWhileRead ?? null,
    good: isGood(info),
    partial: info.state === 'partial',
    suspect: info.suspect,
    corrupt: info.corrupt,
    verified: info.proof ?? null,
    provenRestorable: toProvenRestorable(info.proof, info.series?.drill),
    ...toHolds(world, info.holds, MAX_LISTED_PINS),
    orphaned: isOrphaned(world, info),
    sha256: info.sha256,
    fileCount: info.files,
    contentBytes: info.bytes,
    containers: info.containers,
    rid: info.rid,
    snapshotCount: info.series?.snapshots ?? null,
    lastGoodSnapshot: info.series?.lastGood?.id ?? null,
    info,
  }
}

/**
 * What keeps a backup or a snapshot now.
 * @param most how many pins are told: whatever lies beside the data, the list has no more than it may cost
 */
export function toHolds(
  world: World,
  texts: readonly string[],
  most: number,
): Pick<Backup, 'holds' | 'pins'> {
  const holds = listHolds(world, texts)
  return { holds, pins: listPins(holds).slice(0, most) }
}

/** A server that left the inventory, or has none of the caller's apps any more, still has its IP. */
export function toServer(world: UserWorld, ip: string): Server {
  const server = seesServer(world, ip) ? world.servers.get(ip) : undefined
  const problems = () => (server ? readServerProblems(world, server) : ['It is no longer in the inventory'])
  const known = world.enrolments.get(ip)
  const own = { problems, ...(!seesEverything(world) && { runningTasks: null }) }
  const enrolment = known ? toEnrolment(known) : null
  return { ...fromState(server ?? newServer(ip)), link: findLink(world, ip), enrolment, ...own }
}

export function toEnrolment({ keyHash, enrolledAt, expiresAt }: Enrolment): ServerEnrolment {
  return { revoked: keyHash === null, enrolledAt, expiresAt }
}

function fromState(server: ServerState): Omit<Server, 'problems' | 'enrolment' | 'link'> {
  const { ip, debug, lastSeen, leaving } = server
  return {
    ip,
    reachable: isReachable(server),
    backupsListed: hasListedBackups(server),
    lastSeen,
    leaving,
    schedulerStatus: debug?.crond_status ?? null,
    runningTasks: debug?.running_tasks ?? null,
    protocol: debug?.protocol ?? null,
    capabilities: listServerCapabilities(server),
    version: debug?.version ?? null,
    timeZone: debug?.timeZone ?? null,
    store: debug?.store
      ? { trashBytes: null, quota: null, deletedRoom: null, versions: null, ...debug.store }
      : null,
  }
}

export function toServerDebug(debug: DaemonDebug): ServerDebug {
  return {
    schedulerStatus: debug.crond_status,
    runningTasks: debug.running_tasks,
    startTime: debug.startTime,
    updateTime: debug.updateTime === NEVER ? null : debug.updateTime,
    goroutines: debug.goroutines ?? null,
    memStats: debug.mem_stats ?? null,
  }
}

export function toInventoryStatus({ held, ...status }: ShownInventory): InventoryStatus {
  return {
    ...status,
    held: held && {
      since: isoTime(held.since),
      until: isoTime(held.until),
      lostVolumes: held.lostVolumes,
      ofVolumes: held.ofVolumes,
    },
  }
}

function toText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function toMode({ mode }: { [name: string]: unknown }): BackupMode | null {
  return mode === 'full' || mode === 'increment' ? mode : null
}
