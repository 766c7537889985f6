/**
 * Where objects live. Names are relative to the store's root, `/` separated, without `..`: a driver refuses others.
 * A driver moves bytes; what they mean, and the order of steps that publishes a backup, stands in store/.
 * Errors: NOT_FOUND, CONFLICT, STORE_FULL, STORE_UNAVAILABLE, STORE_NOT_MOUNTED (lib/errors.ts), each naming the object.
 */
export interface Driver {
  readonly name: string
  readonly abilities: DriverAbilities
  /** A new object under exactly this name; refused (CONFLICT) where it exists. Folders above are made. */
  create(name: string): Promise<ObjectWriter>
  open(name: string): Promise<ObjectReader>
  stat(name: string): Promise<ObjectStat | undefined>
  /** Atomic; replaces `to`. */
  rename(from: string, to: string): Promise<void>
  /** As rename, but refused (CONFLICT) where `to` is there. After a crash in between, the object may have both names. */
  publish(from: string, to: string): Promise<void>
  /** A small object replaced as a whole, durably. */
  replace(name: string, content: Buffer): Promise<void>
  /** No error where it is not there. */
  remove(name: string): Promise<void>
  /** Names and sizes directly in `folder`, unordered, streamed: a namespace can hold very many. */
  list(folder: string): AsyncIterable<ObjectStat>
  /** As list(), the names alone: much cheaper where a size costs a call. Nothing where the folder is not there, as list(). */
  names(folder: string): AsyncIterable<ObjectName>
  /** After this, names made, renamed or removed in `folder` outlive a power loss. */
  syncFolder(folder: string): Promise<void>
  /** Keeps out everyone else of this daemon who locks this name, its other processes too, until disposed of or the process ends. */
  lock(name: string): Promise<AsyncDisposable>
  space(): Promise<Space>
  /** Throws STORE_UNAVAILABLE or STORE_NOT_MOUNTED where the store is not what it should be. */
  check(): Promise<void>
  /**
   * Only where objects are files of this machine: runs `act` with a path of the folder that is good until it ends, for
   * what lies there in a shape that is not ours. What `act` throws is thrown as it is.
   */
  withFolder?<T>(folder: string, act: (path: string) => Promise<T>): Promise<T>
}

export interface DriverAbilities {
  /** `synced`: what is synced outlives a power loss. `acknowledged`: the other side has it, no more is known. */
  durability: 'synced' | 'acknowledged'
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
  /** When it resolves the bytes are taken: the caller uses `chunk` again. */
  write(chunk: Buffer): Promise<void>
  /** Data on the disk. */
  sync(): Promise<void>
  /** After sync; no write may follow. */
  close(): Promise<void>
}

export interface ObjectReader extends AsyncDisposable {
  readonly size: number
  /** Up to `length` bytes from `position`; fewer only at the end. */
  read(position: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

export interface Space {
  freeBytes: number
  totalBytes: number
  /** What was deleted and still takes room; null where the store has no such thing, or does not say. */
  trashBytes: number | null
  /** Where a quota bounds the store: of the narrowest one, in bytes. */
  quota: { usedBytes: number; limitBytes: number } | null
  /** What an operator should see to, a sentence each. */
  problems: string[]
}
