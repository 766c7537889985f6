// Drivers read and write the objects of a store: drivers/local.ts in a directory, drivers/moosefs/ on a mounted MooseFS,
// both based on drivers/file-driver.ts. drivers/open-driver.ts lists them; test/contract/driver-contract.ts tests them.
// The store and the backup formats use this interface. A driver only moves bytes: what they mean, and in which order
// objects are written to publish a backup, is decided in src/store and src/restic.

/**
 * A store of objects. Names are relative to the store's root, `/` separated, without `..`; other names are rejected.
 * Errors: NOT_FOUND, CONFLICT, STORE_FULL, STORE_UNAVAILABLE, STORE_NOT_MOUNTED (lib/errors.ts), each with the object.
 */
export interface Driver {
  readonly name: string
  readonly abilities: DriverAbilities
  /** Creates an object of this name, and its parent folders. Throws CONFLICT if it exists. */
  create(name: string): Promise<ObjectWriter>
  open(name: string): Promise<ObjectReader>
  stat(name: string): Promise<ObjectStat | undefined>
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>
  /** Like rename, but throws CONFLICT if `to` exists. After a crash in between, the object may have both names. */
  publish(from: string, to: string): Promise<void>
  /** Replaces a small object as a whole, durably. */
  replace(name: string, content: Buffer): Promise<void>
  /** No error if it does not exist. */
  remove(name: string): Promise<void>
  /** Lists entries directly in `folder` with their sizes, unordered and streamed. Empty if the folder does not exist. */
  list(folder: string): AsyncIterable<ObjectStat>
  /** Like list(), but only the names: much cheaper if each size costs a call. */
  names(folder: string): AsyncIterable<ObjectName>
  /** After this, names created, renamed or removed in `folder` survive a power loss. */
  syncFolder(folder: string): Promise<void>
  /**
   * Excludes other holders of this name within this daemon, child processes included, until it is disposed or the
   * process ends.
   */
  lock(name: string): Promise<AsyncDisposable>
  space(): Promise<Space>
  /** Throws STORE_UNAVAILABLE or STORE_NOT_MOUNTED if the store cannot be used. */
  check(): Promise<void>
  /**
   * Only if objects are files on this machine: runs `act` with a path of the folder that is valid until `act` ends. For
   * content that is not in our format, such as mirrors. Errors of `act` are thrown unchanged.
   */
  withFolder?<T>(folder: string, act: (path: string) => Promise<T>): Promise<T>
}

export interface DriverAbilities {
  /** `synced`: synced data survives a power loss. `acknowledged`: a server has accepted it, more is not known. */
  durability: 'synced' | 'acknowledged'
  /** Whether everyone sees a new name at once. If not, other machines may see it some 100 ms later. */
  showsNamesAtOnce: boolean
}

export interface ObjectName {
  /** The last component only, for list() and names(); the full name for stat(). */
  name: string
  kind: 'file' | 'folder' | 'other'
}

export interface ObjectStat extends ObjectName {
  size: number
  modifiedMs: number
}

export interface ObjectWriter {
  /** The caller may use `chunk` again once this resolves. */
  write(chunk: Buffer): Promise<void>
  /** Resolves when the data is on disk. */
  sync(): Promise<void>
  /** Call it after sync(); no write may follow. */
  close(): Promise<void>
}

export interface ObjectReader extends AsyncDisposable {
  readonly size: number
  /** Reads `length` bytes from `position`; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

export interface Space {
  freeBytes: number
  totalBytes: number
  /** Deleted data that still takes space; null if the store has no trash, or does not report it. */
  trashBytes: number | null
  /** The quota with the least room left; null if there is none. */
  quota: { usedBytes: number; limitBytes: number } | null
  /** Problems for an operator to fix, one sentence each. */
  problems: string[]
}
