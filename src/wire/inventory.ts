import type { DrillSettings } from './drill-schedule.ts'
import type { JobHooks, RecoverHooks } from './hook-options.ts'
import type { VolumeVerify } from './verify-schedule.ts'

/** What should be backed up, in the same form for all sources. */
export interface Inventory {
  apps: InventoryApp[]
}

export interface InventoryApp {
  name: string
  procs: InventoryProc[]
}

export interface InventoryProc {
  /** `hello.web.web` */
  name: string
  /** `web` */
  shortName: string
  instances: InventoryInstance[]
}

export interface InventoryInstance {
  no: number
  server: string
  containers: string[]
  volumes: InventoryVolume[]
}

export interface InventoryVolume {
  /** The volume's path inside the proc: `/data/db`. */
  name: string
  /** Absolute path on the server; null: the default place under the volume root. */
  path: string | null
  /** `strict`: a run during which files changed is partial. Absent: such changes are a warning. */
  consistency?: 'strict'
  /** Absent: by the defaults. */
  verify?: VolumeVerify
  /** Absent: it is not drilled on a schedule. */
  drill?: DrillSettings
  /** Around recovers into it. */
  recoverHooks?: RecoverHooks
  schedules: InventorySchedule[]
}

export interface InventorySchedule {
  mode: 'full' | 'increment'
  /** lainlet gave no mode. The legacy job id then differs from that of `full`. */
  namesNoMode?: boolean
  spec: string
  /** As written: `30d`. Empty if lainlet gave an unreadable one: such backups never expire. */
  expire: string
  preRun: string
  postRun: string
  /** Absent: `preRun` and `postRun` have the defaults, and there are no other hooks. */
  hooks?: JobHooks
  /** Time limit of a run; absent: no limit. */
  timeLimitSeconds?: number
  /** For increments: all files are read once in this many days; absent: only those with changed timestamps. */
  rereadEveryDays?: number
}

export type InventoryNews =
  /** `faults`: what had to be left out, one sentence each. */
  | { kind: 'inventory'; inventory: Inventory; faults?: string[] }
  /** The source cannot be read or used; the last good inventory stays in force. */
  | { kind: 'broken'; problem: string }
