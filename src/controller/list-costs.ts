import { MAX_USES } from '../domain/access/access-state.ts'
import { ROLES } from '../domain/access/roles.ts'
import { MAX_LISTED_AUTHORITIES } from '../domain/authorities.ts'
import { MAX_LISTED_DELETES, MAX_LISTED_LOSSES } from '../domain/delete-plan.ts'
import { SERVER_STATES } from '../domain/health/server-rules.ts'
import { VOLUME_STATES } from '../domain/health/states.ts'
import type { ListSizes } from '../domain/list-sizes.ts'
import type { ListSize } from '../domain/plan.ts'
import { MAX_BUCKETS, MAX_GROUPS, MAX_LISTED_BUCKETS } from '../domain/planned-runs.ts'
import { MAX_STORE_DAYS } from '../domain/read-store-history.ts'
import { MAX_SESSIONS } from '../domain/sessions.ts'
import { MAX_DAYS } from '../domain/volume-days.ts'
import { MAX_UNUSUAL_HOLDS } from '../wire/hold.ts'
import { BACKUP_HOOKS, RECOVER_HOOKS } from '../wire/hook.ts'
import { MAX_LISTED_PINS, MAX_PINS } from '../wire/pin.ts'
import { MAX_LISTED_HOOKS } from '../wire/record.ts'
import { MAX_PHASES } from '../wire/run-phase.ts'
import { MAX_LISTED_USERS } from '../wire/snapshot.ts'

/** A field that answers a whole list of objects, without pages. */
export interface PlainList {
  /** @param filter arguments that narrow the list */
  size(sizes: ListSizes, filter: ListFilter): ListSize
  /** The connection to use if the list is too long. */
  instead?: string
}

export interface ListFilter {
  app?: string | undefined
  server?: string | undefined
  /** A number of days. */
  n?: string | undefined
}

/** A record lists at most this many steps of a plan. */
const MAX_STEPS = 1000

/** Every plain list of objects in the schema; a test compares. */
export const PLAIN_LISTS: Readonly<Record<string, PlainList>> = {
  'Query.apps': { size: ({ apps }) => single(apps), instead: 'volumes' },
  'Query.jobs': { size: ({ jobs }, filter) => single(jobs(filter)), instead: 'jobConnection' },
  'Query.servers': { size: ({ servers }, filter) => single(servers(filter)), instead: 'serverConnection' },
  'App.procs': { size: ({ procsOfApps }) => procsOfApps, instead: 'volumes' },
  'Proc.instances': { size: ({ instancesOfProcs }) => instancesOfProcs, instead: 'volumes' },
  'Instance.volumes': { size: ({ volumesOfInstances }) => volumesOfInstances, instead: 'volumes' },
  'Volume.jobs': { size: ({ jobsOfVolumes }) => jobsOfVolumes, instead: 'jobConnection' },
  'Server.jobs': { size: ({ jobsOfServers }) => jobsOfServers, instead: 'jobConnection' },
  'RecoverPlan.steps': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_STEPS }) },
  'RecoverPlan.users': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_LISTED_USERS }) },
  'DeletePlan.items': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_LISTED_DELETES }) },
  'DeletePlan.volumes': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_LISTED_LOSSES }) },
  'Record.phases': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_PHASES }) },
  'BackupResult.hooks': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_LISTED_HOOKS }) },
  'Job.hooks': { size: () => ({ all: Number.POSITIVE_INFINITY, most: BACKUP_HOOKS.length }) },
  'Volume.recoverHooks': { size: () => ({ all: Number.POSITIVE_INFINITY, most: RECOVER_HOOKS.length }) },
  'Volume.days': { size: (_sizes, { n }) => ({ all: Number.POSITIVE_INFINITY, most: readDays(n) }) },
  'Query.plannedRuns': { size: () => ({ all: MAX_LISTED_BUCKETS, most: MAX_GROUPS }) },
  'PlannedRuns.buckets': { size: () => ({ all: MAX_LISTED_BUCKETS, most: MAX_BUCKETS }) },
  'Query.storeHistory': { size: ({ servers }, filter) => single(servers(filter)) },
  'StoreHistory.days': { size: () => ({ all: MAX_STORE_DAYS, most: MAX_DAYS }) },
  'Health.counts': { size: () => single(VOLUME_STATES.length) },
  'Health.servers': { size: () => single(SERVER_STATES.length) },
  'Query.anonymousUses': { size: () => single(MAX_USES) },
  'Query.authorities': { size: () => single(MAX_LISTED_AUTHORITIES) },
  'Mutation.rotateAuthority': { size: () => single(MAX_LISTED_AUTHORITIES) },
  'Mutation.retireAuthority': { size: () => single(MAX_LISTED_AUTHORITIES) },
  'Query.sessions': { size: () => single(MAX_SESSIONS) },
  'Query.tokens': { size: ({ tokens }) => single(tokens) },
  'Token.grants': { size: () => ({ all: Number.POSITIVE_INFINITY, most: ROLES.length }) },
  'Viewer.grants': { size: () => single(ROLES.length) },
  'Mutation.acknowledgeUnusual': { size: () => single(MAX_UNUSUAL_HOLDS) },
  'Backup.pins': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_LISTED_PINS }) },
  'Snapshot.pins': { size: () => ({ all: Number.POSITIVE_INFINITY, most: MAX_PINS }) },
  /** The `first` of its query counts for each of them. */
  'DeletedBackupPage.nodes': { size: () => ({ all: Number.POSITIVE_INFINITY, most: 1 }) },
  'CatalogRebuild.namespaces': { size: ({ servers }) => single(servers({})) },
}

/** Fields that read the catalog or ask a daemon: as many plain fields as take about the same time. */
export const FIELD_COSTS: Readonly<Record<string, number>> = {
  'Volume.lastGood': 10,
  /** It judges the volume, and writes a sentence. */
  'Volume.health': 3,
  'Job.health': 3,
  'Server.health': 3,
  'Volume.days': 50,
  'Query.health': 100,
  /** It computes up to 100,000 times. */
  'Query.plannedRuns': 1000,
  'Query.storeHistory': 100,
  'Job.lastRecord': 10,
  'Volume.backups': 50,
  /** Up to 16,000 characters for each server. */
  'Server.problems': 25,
  'Server.debug': 250,
  /** Up to one address for each server. */
  'DaemonAuthority.trustedBy': 25,
  'DaemonAuthority.lacking': 25,
  /** They count the good backups of all volumes, and may list the snapshots of increments. */
  'Query.deleteBackupsPlan': 250,
  'Query.deleteSnapshotsPlan': 250,
  'Query.deletedBackups': 50,
  'Record.log': 50,
  'RecoverPlan.stepConnection': 50,
  'Backup.files': 50,
  'Backup.snapshots': 50,
  'Backup.snapshot': 50,
  'Backup.diff': 50,
  'Backup.history': 50,
}

function single(length: number): ListSize {
  return { all: length, most: length }
}

/** The default is that of the field. */
function readDays(n: string | undefined): number {
  const days = Number(n ?? 30)
  return days >= 1 && days <= MAX_DAYS ? days : MAX_DAYS
}
