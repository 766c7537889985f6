/** The driver and its settings: plain data, because it is sent to child processes. */
export type StoreSettings = { driver: 'local'; dir: string } | { driver: 'moosefs'; dir: string }

/** Where the store is, for people, and the same for everyone who uses it: the name of its locks is made from it. */
export function describePlace(settings: StoreSettings): string {
  return settings.dir
}

/** The folders of this machine that belong to the store: no backup may include them, and no recover replace them. */
export function listLocalFolders(settings: StoreSettings): string[] {
  return [settings.dir]
}

/** What a daemon remembers about its namespace, so that another store at the same path is not mistaken for it. */
export interface KnownStore {
  /** The `storeId` of `.owner`; null if no run of this daemon has kept one yet. */
  id: string | null
  /** Whether this daemon has published full backups there. */
  madeArchives: boolean
  /** Whether this daemon has made snapshots there. */
  madeSnapshots: boolean
}
