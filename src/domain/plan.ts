import type { Inventory } from '../wire/inventory.ts'
import type { Job } from '../wire/job.ts'

/** The plan made from an inventory: its volumes with their places, and the jobs of each server. */
export interface Plan {
  inventory: Inventory
  volumes: PlannedVolume[]
  /** Keyed by volumeIdentity. */
  volumesByName: Map<string, PlannedVolume>
  /** Keyed by volumeKey. */
  volumesByPath: Map<string, PlannedVolume>
  /** Keyed by volumeKey of the server and the archive name, which names the backups. */
  volumesByArchive: Map<string, PlannedVolume>
  servers: Map<string, ServerPlan>
  /** Keyed by the id users see. */
  jobs: Map<string, PlannedJob>
  jobsByApp: Map<string, PlannedJob[]>
  jobsByServer: Map<string, PlannedJob[]>
  /** What could not be planned, one sentence each. */
  problems: string[]
}

export interface PlannedVolume {
  app: string
  proc: string
  instanceNo: number
  server: string
  containers: string[]
  name: string
  /** Absolute, on the server. */
  path: string
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

/** @param name a path, or the name of an archive */
export function volumeKey(server: string, name: string): string {
  return `${server} ${name}`
}

/** Identifies a volume regardless of its server and path. */
export function volumeIdentity(volume: Pick<PlannedVolume, 'app' | 'proc' | 'instanceNo' | 'name'>): string {
  return JSON.stringify([volume.app, volume.proc, volume.instanceNo, volume.name])
}
