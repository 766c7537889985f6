/** What should be backed up, as whichever source tells it. */
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
  /** As the proc names it: `/data/db`. */
  name: string
  /** Absolute path on the server; null = the usual place under the daemon's volume root. */
  path: string | null
  /** `strict`: a run during which files changed is partial. Absent: such changes are a warning. */
  consistency?: 'strict'
  schedules: InventorySchedule[]
}

export interface InventorySchedule {
  mode: 'full' | 'increment'
  /** lainlet names none, which the recorded system's job id tells from full. */
  namesNoMode?: boolean
  spec: string
  /** As written: `30d`; empty where lainlet tells one that cannot be read: such backups never expire. */
  expire: string
  preRun: string
  postRun: string
  /** The longest a run may take; absent: no limit. */
  timeLimitSeconds?: number
  /** Of increments: all files are read once in so many days; absent: only those whose timestamps changed. */
  rereadEveryDays?: number
}

export type InventoryNews =
  /** `faults`: what of it had to be left out, a sentence each. */
  | { kind: 'inventory'; inventory: Inventory; faults?: string[] }
  /** What was read cannot be used, or nothing can be read; the last good inventory stands. */
  | { kind: 'broken'; problem: string }
