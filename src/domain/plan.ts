import { compareTexts } from '../lib/compare-texts.ts'
import type { Inventory, InventoryApp } from '../wire/inventory.ts'
import type { Job } from '../wire/job.ts'

/** The plan made from an inventory: its volumes with their places, and the jobs of each server. */
export interface Plan {
  inventory: Inventory
  volumes: PlannedVolume[]
  /** Keyed by volumeIdentity. */
  volumesByName: Map<string, PlannedVolume>
  servers: Map<string, ServerPlan>
  /** Keyed by the id users see. */
  jobs: Map<string, PlannedJob>
  jobsByApp: Map<string, PlannedJob[]>
  jobsByServer: Map<string, PlannedJob[]>
  /** Sorted by name. */
  apps: InventoryApp[]
  appsByName: Map<string, InventoryApp>
  /** Full names of procs, keyed by the short name. */
  procNames: Map<string, Set<string>>
  /** IPs of the servers on which an app has volumes. */
  serversByApp: Map<string, Set<string>>
  /** Sorted by app, proc, instance and name, for lists in pages. */
  sortedVolumes: PlannedVolume[]
  /** Sorted by id, for lists in pages. */
  sortedJobs: PlannedJob[]
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
  /** Those of the volumes, then the expire job. */
  jobs: PlannedJob[]
  /** Sorted by id. */
  sortedJobs: PlannedJob[]
  volumesByPath: Map<string, PlannedVolume>
  volumesByArchive: Map<string, PlannedVolume>
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
  jobs: PlannedJob[]
}

export interface PlannedJob {
  /** The id users see; an expire job has none on the wire. */
  id: string
  server: string
  job: Job
  /** null for an expire job. */
  volume: PlannedVolume | null
  /** As written: `30d`; null for an expire job. */
  expire: string | null
}

export interface ServerPlan {
  ip: string
  jobs: Job[]
  /** Changes only when the jobs change. */
  version: string
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

export function findVolumeByPath({ parts }: Plan, server: string, path: string): PlannedVolume | undefined {
  return parts.servers.get(server)?.volumesByPath.get(path)
}

export function findVolumeByArchive(
  { parts }: Plan,
  server: string,
  archive: string,
): PlannedVolume | undefined {
  return parts.servers.get(server)?.volumesByArchive.get(archive)
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
