import type { Inventory } from '../wire/inventory.ts'
import type { Job } from '../wire/job.ts'

/** What an inventory means: its volumes, where they lie, and the jobs of each server. */
export interface Plan {
  inventory: Inventory
  volumes: PlannedVolume[]
  /** Keyed by volumeIdentity. */
  volumesByName: Map<string, PlannedVolume>
  /** Keyed by volumeKey. */
  volumesByPath: Map<string, PlannedVolume>
  /** Keyed by volumeKey of the server and the archive that backups are named after. */
  volumesByArchive: Map<string, PlannedVolume>
  servers: Map<string, ServerPlan>
  /** By the id users see. */
  jobs: Map<string, PlannedJob>
  jobsByApp: Map<string, PlannedJob[]>
  jobsByServer: Map<string, PlannedJob[]>
  /** What could not be planned, each a sentence. */
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
  /** Changes when the jobs do, and only then. */
  version: string
}

/** @param name a path, or the name of an archive */
export function volumeKey(server: string, name: string): string {
  return `${server} ${name}`
}

/** The same volume, wherever it lies. */
export function volumeIdentity(volume: Pick<PlannedVolume, 'app' | 'proc' | 'instanceNo' | 'name'>): string {
  return JSON.stringify([volume.app, volume.proc, volume.instanceNo, volume.name])
}
