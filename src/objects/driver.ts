// Drivers read and write the objects of a store: drivers/local.ts in a directory, drivers/moosefs/ on a mounted MooseFS,
// both based on drivers/file-driver.ts, and drivers/s3/ in a bucket. drivers/open-driver.ts lists them and adds what wrap/
// has for them; test/contract/driver-contract.ts tests them.
// The store and the backup formats use this interface. A driver only moves bytes: what they mean, and in which order
// objects are written to publish a backup, is decided in src/store and src/restic.

/**
 * A store of objects. Names are relative to the store's root, `/` separated, without `..`; other names are rejected.
 * Objects are created and committed, replaced or removed; none is ever renamed.
 * Errors: NOT_FOUND, CONFLICT, STORE_FULL, STORE_UNAVAILABLE, STORE_NOT_MOUNTED (lib/errors.ts), each with the object.
 * Of a call that fails with a transient error (transient.ts), nothing took effect, or the same call finds that it did:
 * it may be repeated. That holds for writers too.
 */
export interface Driver {
  readonly name: string
  readonly abilities: DriverAbilities
  /**
   * Begins an object. Nobody sees it under its name before it is committed. Until then, and after a crash, it is listed
   * as unfinishedName(name, run) of unfinished.ts; removing that name discards it.
   */
  create(name: string, options?: CreateOptions): Promise<ObjectWriter>
  /**
   * Like create(), for content whose name is known only at its end. Until then it is listed in `folder`, if at all, by
   * a name that isUnnamed(). An object store keeps such content in memory, so it must be bounded, like a pack.
   */
  createIn(folder: string, options?: UnnamedOptions): Promise<UnnamedWriter>
  /** Throws NOT_FOUND if it does not exist; with a known size, read() may do so instead. */
  open(name: string, known?: KnownObject): Promise<ObjectReader>
  /**
   * The content of a small object; undefined if it does not exist. Throws STORE_UNAVAILABLE if it is larger than
   * `maxBytes`. Missing if open() and read() cost no more.
   */
  readWhole?(name: string, maxBytes: number): Promise<Buffer | undefined>
  stat(name: string): Promise<ObjectStat | undefined>
  /** Replaces a small object as a whole, durably. */
  replace(name: string, content: Buffer): Promise<void>
  /**
   * Replaces a small object by what `change` makes of it; undefined if it does not exist. The caller holds a lock against
   * others of this daemon. Throws CONFLICT if another machine replaced it meanwhile, if the store can tell; errors of
   * `change` are thrown unchanged.
   */
  update(name: string, change: (before: Buffer | undefined) => Buffer): Promise<void>
  /**
   * Missing if commit() and update() let nobody else write the same name at the same moment. False: that is noticed only
   * afterwards.
   */
  keepsConditions?(): Promise<boolean>
  /** No error if it does not exist. */
  remove(name: string): Promise<void>
  /** Lists entries directly in `folder` with their sizes, unordered and streamed. Empty if the folder does not exist. */
  list(folder: string): AsyncIterable<ObjectStat>
  /** Like list(), but only the names: much cheaper if each size costs a call. */
  names(folder: string): AsyncIterable<ObjectName>
  /** After this, no object that was removed from `folder` comes back. Missing if remove() is durable itself. */
  syncFolder?(folder: string): Promise<void>
  /**
   * Excludes other holders of this name within this daemon, child processes included, until it is disposed or the
   * process ends.
   */
  lock(name: string): Promise<AsyncDisposable>
  /** Missing if the store has no known limit; undefined as long as its room is not known yet. */
  space?(): Promise<Space | undefined>
  /** Only if reading from the store costs requests: keeps objects whose name is the hash of their content. */
  readonly cache?: ContentCache
  /**
   * Only if the store may keep objects from being deleted: what keeps this one, undefined if nothing does. To be asked before
   * remove(), which would only hide such an object.
   */
  findLock?(name: string): Promise<ObjectLock | undefined>
  /** Only if a store may keep what is removed or replaced, as an older version; undefined if it does not tell. */
  keepsVersions?(): Promise<boolean | undefined>
  /** Throws STORE_UNAVAILABLE or STORE_NOT_MOUNTED if the store cannot be used. */
  check(options?: StoreCheckOptions): Promise<void>
  /**
   * Only if objects are files on this machine: runs `act` with a path of the folder that is valid until `act` ends. For
   * content that is not in our format, such as mirrors. Errors of `act` are thrown unchanged.
   */
  withFolder?<T>(folder: string, act: (path: string) => Promise<T>): Promise<T>
}

/** A driver as it is written: open-driver.ts adds locks on this machine if it has none of its own. */
export type BareDriver = Omit<Driver, 'lock'> & Partial<Pick<Driver, 'lock'>>

export interface StoreCheckOptions {
  /** Also writes an object, if nothing else shows whether that is allowed: not for a check that is made often. */
  byWriting?: boolean
}

export interface CreateOptions {
  /** The id of the run that writes the object, so that its leftovers can be told apart. Default: random. */
  run?: string
  /** About how large the object will be, if it is known. */
  expectedBytes?: number
  /** It has at most 64 KiB: the driver may keep it in memory, and list nothing before the commit. */
  isSmall?: boolean
  /** Undefined for the many small objects that are replaced or removed soon. */
  kind?: ContentKind
}

export interface UnnamedOptions extends Pick<CreateOptions, 'kind'> {
  /**
   * Its name is a hash of its content, so an object of that name has the same content: commit() may replace it instead of
   * throwing CONFLICT, if that spares requests.
   */
  isNamedByContent?: boolean
}

/** What the caller knows of an object that it opens: spares requests, if the store costs some. */
export interface KnownObject {
  /** Its size. If it has another one, read() may throw CONFLICT. Undefined: the size of its reader may be Infinity. */
  size?: number
  /** What will be read, ascending: it is fetched ahead, and nothing else. Any other read is one request. */
  spans: readonly ByteSpan[]
}

/** The bytes from `from` up to `end` of an object. */
export interface ByteSpan {
  from: number
  end: number
}

/** `data`: an archive or a pack. `snapshot`: the small object that makes a snapshot. Both stay as long as their backup. */
export type ContentKind = 'data' | 'snapshot'

/** Why an object cannot be deleted yet. */
export interface ObjectLock {
  /** ISO 8601; null if it is held without an end. */
  until: string | null
}

export interface DriverAbilities {
  /** `synced`: synced data survives a power loss. `acknowledged`: a server has accepted it, more is not known. */
  durability: 'synced' | 'acknowledged'
  /** Whether everyone sees a new name at once. If not, other machines may see it some 100 ms later. */
  showsNamesAtOnce: boolean
  /** list() costs no more than names(), and tells when an object was written. */
  listsSizes?: true
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

export interface ByteSink {
  /** The caller may use `chunk` again once this resolves. */
  write(chunk: Buffer): Promise<void>
}

interface UnfinishedObject extends ByteSink {
  /** Stores the content durably, so that commit() is quick; resolves with the stored size. No write may follow. */
  sync(): Promise<number>
  /** Removes what was written, and does nothing after a commit. Never throws: leftovers are removed at the next start. */
  abort(): Promise<void>
}

export interface ObjectWriter extends UnfinishedObject {
  /**
   * Gives the object its name: all or nothing, durable when this resolves. Throws CONFLICT if the name exists. After any
   * other error the object may have its name anyway. If an outcome is unknown, the driver looks: its own object
   * at that name is a success.
   */
  commit(): Promise<void>
}

export interface UnnamedWriter extends UnfinishedObject {
  /** As in ObjectWriter. */
  commit(name: string): Promise<void>
}

export interface ObjectReader extends AsyncDisposable {
  readonly size: number
  /**
   * Reads `length` bytes from `position`; fewer only at the end. Their memory belongs to the caller alone, who may free it
   * (release() of lib/release.ts).
   */
  read(position: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

/**
 * Copies, on this machine, of objects whose name is the SHA-256 of their content, in hex. A store that costs a request
 * for each read has one (Driver.cache). It is never needed: everything in it can be read from the store again. Problems of
 * its own are a warning; a TypeError is thrown for an id of another form.
 */
export interface ContentCache {
  /**
   * Opens a copy; undefined if there is none. What is read is not verified: the caller compares it with a hash, and calls
   * drop() if it is wrong.
   */
  open(id: string): Promise<ObjectReader | undefined>
  /**
   * Keeps a copy if the content has this id. Stops reading the content if no copy can be kept, as on a full disk. Throws errors
   * of `content`.
   */
  put(id: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void>
  /** Removes a copy. */
  drop(id: string): Promise<void>
}

export interface Space {
  freeBytes: number
  totalBytes: number
  /** Deleted data that still takes space; null if the store has no trash, or does not report it. */
  trashBytes: number | null
  /** The quota with the least room left; null if there is none. */
  quota: { usedBytes: number; limitBytes: number } | null
  /** Whether a write beyond it fails. */
  isEnforced: boolean
  /** Problems for an operator to fix, one sentence each. */
  problems: string[]
}
