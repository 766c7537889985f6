import { compareTexts } from '../lib/compare-texts.ts'
import { findSorted } from '../lib/sorted-list.ts'
import type { Capability } from '../wire/capabilities.ts'
import type { DRILL_DUE_ACTION, DrillSettings } from '../wire/drill-schedule.ts'
import type { RecoverHooks } from '../wire/hook-options.ts'
import type { Inventory, InventoryApp } from '../wire/inventory.ts'
import type { Job } from '../wire/job.ts'
import type { VERIFY_DUE_ACTION, VolumeVerify } from '../wire/verify-schedule.ts'

/**
 * The plan made from an inventory: its volumes with their places, and the jobs of each server. What is looked for in a
 * long list is found in its order, because a Map of everything would take as much memory as the plan.
 */
export interface Plan {
  inventory: Inventory
  /** Sorted by app, proc, instance, name and server. */
  volumes: PlannedVolume[]
  /** Sorted by the id users see. */
  jobs: PlannedJob[]
  servers: Map<string, ServerPlan>
  jobsByApp: Map<string, PlannedJob[]>
  jobsByServer: Map<string, PlannedJob[]>
  /** Sorted by name. */
  apps: InventoryApp[]
  appsByName: Map<string, InventoryApp>
  /** Full names of procs, keyed by the short name. */
  procNames: Map<string, Set<string>>
  /** IPs of the servers on which an app has volumes. */
  serversByApp: Map<string, Set<string>>
  sizes: PlanSizes
  /** What could not be planned, one sentence each. */
  problems: string[]
  parts: PlanParts
}

/** What a later plan takes over for apps and servers that did not change. */
export interface PlanParts {
  volumeRoot: string
  apps: Map<InventoryApp, PlannedVolume[]>
  /** By IP. */
  servers: Map<string, PlannedServer>
}

/** What depends on the volumes of one server alone. */
export interface PlannedServer {
  /** All that the inventory has there, those left out included. */
  volumes: PlannedVolume[]
  /** Why a volume is left out, one sentence each. */
  problems: Map<PlannedVolume, string>
  /** null if all volumes are left out. */
  plan: ServerPlan | null
  /** Those of the volumes, then those of the server: its expire job, and its verify job if it has one. */
  jobs: PlannedJob[]
  /** The same, sorted by id. */
  sortedJobs: PlannedJob[]
  /** Those that are not left out, sorted. */
  volumesByPath: PlannedVolume[]
  volumesByArchive: PlannedVolume[]
}

/** How long the lists of a plan are, for the cost of a query. */
export interface PlanSizes {
  procsOfApps: ListSize
  instancesOfProcs: ListSize
  volumesOfInstances: ListSize
  jobsOfVolumes: ListSize
  jobsOfServers: ListSize
}

export interface ListSize {
  /** Items of all these lists together. */
  all: number
  /** Items of the longest one. */
  most: number
}

export type VolumePlace = Pick<PlannedVolume, 'app' | 'proc' | 'instanceNo' | 'name'>

export interface PlannedVolume {
  app: string
  proc: string
  instanceNo: number
  server: string
  containers: string[]
  name: string
  /** Absolute, on the server. */
  path: string
  /** The name of its archives, without a time; it names the backups. */
  archive: string
  consistency?: 'strict'
  /** Absent: by the defaults. */
  verify?: VolumeVerify
  /** Absent: not on a schedule. */
  drill?: DrillSettings
  /** Around recovers into it. */
  recoverHooks?: RecoverHooks
  jobs: PlannedJob[]
}

/** A job of the plan. It has no copies of what its volume and schedule have, because a fleet has 100,000 jobs. */
export interface PlannedJob {
  /** The id users see; an expire job has none on the wire. */
  readonly id: string
  readonly server: string
  readonly spec: string
  readonly action: 'backup' | 'backup_expire' | typeof VERIFY_DUE_ACTION | typeof DRILL_DUE_ACTION
  /** null for a job of the server. */
  readonly mode: 'full' | 'increment' | null
  /** null for a job of the server. */
  readonly volume: PlannedVolume | null
  /** As written: `30d`; null for a job of the server. */
  readonly expire: string | null
  /** What its daemon must be able to do to run it as it is written; null for a job that any daemon runs. */
  readonly needs: Capability | null
  /** As it is sent to the daemon; made each time that it is read. */
  readonly job: Job
}

export interface ServerPlan {
  ip: string
  /** Changes only when the jobs change. */
  version: string
  /** The version for a daemon that does not know verify jobs, which gets the others. */
  versionWithoutVerify: string
  /** The version for a daemon that does not drill on a schedule, which gets the others. */
  versionWithoutDrill: string
}

/** The order of the volumes of a plan. */
export function comparePlacesAndServers(one: PlannedVolume, other: PlannedVolume): number {
  return comparePlaces(one, other) || compareTexts(one.server, other.server)
}

/** The order of volumes in lists: by app, proc, instance and name. */
export function comparePlaces(one: VolumePlace, other: VolumePlace): number {
  return (
    compareTexts(one.app, other.app) ||
    compareTexts(one.proc, other.proc) ||
    one.instanceNo - other.instanceNo ||
    compareTexts(one.name, other.name)
  )
}

export function findVolume({ volumes }: Plan, place: VolumePlace): PlannedVolume | undefined {
  return findSorted(volumes, (volume) => comparePlaces(volume, place))
}

/** @param id the one that users see */
export function findPlannedJob({ jobs }: Plan, id: string): PlannedJob | undefined {
  return findSorted(jobs, (job) => compareTexts(job.id, id))
}

/** All jobs in the order of the inventory, then those of the servers. */
export function* listJobsInOrder({ parts, jobsByServer }: Plan): Generator<PlannedJob> {
  for (const volumes of parts.apps.values())
    for (const volume of volumes)
      if (!parts.servers.get(volume.server)?.problems.has(volume)) yield* volume.jobs
  for (const jobs of jobsByServer.values()) yield* listServerJobs(jobs)
}

/** Those of a server's jobs that are not about one volume: they come last. */
export function listServerJobs(jobs: readonly PlannedJob[]): PlannedJob[] {
  return jobs.slice(jobs.findLastIndex(({ volume }) => volume !== null) + 1)
}

export function findVolumeByPath({ parts }: Plan, server: string, path: string): PlannedVolume | undefined {
  const volumes = parts.servers.get(server)?.volumesByPath ?? []
  return findSorted(volumes, (volume) => compareTexts(volume.path, path))
}

export function findVolumeByArchive(
  { parts }: Plan,
  server: string,
  archive: string,
): PlannedVolume | undefined {
  const volumes = parts.servers.get(server)?.volumesByArchive ?? []
  return findSorted(volumes, (volume) => compareTexts(volume.archive, archive))
}

/** @param name a path, or the name of an archive */
export function volumeKey(server: string, name: string): string {
  return `${server} ${name}`
}

/** Identifies a volume regardless of its server and path. */
export function volumeIdentity(volume: VolumePlace): string {
  return JSON.stringify([volume.app, volume.proc, volume.instanceNo, volume.name])
}

/** The place that an identity names, by its parts; undefined if they are not those of one. */
export function parsePlaceParts([app, proc, instanceNo, name]: readonly unknown[]): VolumePlace | undefined {
  if (typeof app !== 'string' || typeof proc !== 'string' || typeof name !== 'string') return undefined
  return typeof instanceNo === 'number' ? { app, proc, instanceNo, name } : undefined
}
