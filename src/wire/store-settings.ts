/** The driver and its settings: plain data, because it is sent to child processes. */
export type StoreSettings = { driver: 'local'; dir: string } | { driver: 'moosefs'; dir: string }

/** What a daemon remembers about its namespace, so that another store at the same path is not mistaken for it. */
export interface KnownStore {
  /** The `storeId` of `.owner`; null if no run of this daemon has kept one yet. */
  id: string | null
  /** Whether this daemon has published full backups there. */
  madeArchives: boolean
  /** Whether this daemon has made snapshots there. */
  madeSnapshots: boolean
}
