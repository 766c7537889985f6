// src/restic reads and writes the repository format of restic over src/objects and src/volume: codec/ has bytes,
// repository/ blobs and locks, nodes/ trees and snapshots; write/, read/, restore/, check/ and prune/ work on these.
// src/store keeps increments in it. It knows no namespaces, and may import only lib, wire, objects and volume.
//
// A restic repository (format 2): a set of packs with encrypted blobs, an index of the blobs, snapshots, locks and keys.
// This file has the interface; open-repository.ts and create-repository.ts make one, lock.ts locks it, pack-writer.ts
// writes blobs, blob-reader.ts reads them. restic/write, read, restore, prune and check build on it. Restic itself must
// be able to use the same repository at the same time. Nothing here knows volumes, series or retention.

import type { Clock } from '../../lib/clock.ts'
import type { Driver } from '../../objects/driver.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import type { BlobIndex } from './blob-index.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'

export interface RepositoryPlace {
  driver: Driver
  /** `<ip>/repo`, as a key for the driver. */
  base: string
}

export interface OpenOptions {
  password: Buffer
  clock: Clock
  warn(message: string): void
}

/** Kinds of files outside packs, which are encrypted as a whole. */
export type UnpackedKind = 'snapshots' | 'index' | 'locks' | 'keys'

/** A blob that is added to a pack. */
export interface PackedBlob {
  type: BlobType
  id: Buffer
  sealed: Buffer
  plainLength: number
  compressed: boolean
}

/** A restic repository, format 2, over any driver. Ids are 32 bytes for blobs, 64 hex digits for files. */
export interface Repository extends AsyncDisposable {
  readonly id: string
  readonly place: RepositoryPlace
  readonly key: RepositoryKey
  readonly polynomial: bigint
  readonly clock: Clock
  warn(message: string): void
  /**
   * Packs with damage: those passed to distrust(), and those in which a read found damage. Other copies of their blobs
   * are preferred for reading, and writers store the blobs again.
   */
  readonly distrusted: ReadonlySet<string>
  distrust(packs: Iterable<string>): void
  /** For a pack that was read and is intact. */
  trust(pack: string): void
  /** Index files that are not read, because they are damaged: their blobs count as missing. */
  readonly ignoredIndexes: ReadonlySet<string>
  ignoreIndexes(files: Iterable<string>): void
  /** From now on, index files that prove damaged are added to `ignoredIndexes`; otherwise they are errors. */
  ignoreDamagedIndexes(): void
  /** Loads the index of blobs, or updates it. */
  loadIndex(): Promise<BlobIndex>
  /**
   * The plain content of a blob, checked against its id. Throws SNAPSHOT_CORRUPT with the facts `pack` and `blob` if no
   * intact copy exists, or if it is not in the index.
   */
  readBlob(type: BlobType, id: Buffer): Promise<Buffer>
  /**
   * Like readBlob, but in pieces, for a tree that is too large for memory. Its seal is checked before the first piece, but
   * its id only after the last one, so SNAPSHOT_CORRUPT may come late.
   */
  streamBlob(type: BlobType, id: Buffer): AsyncIterable<Buffer>
  /** Like readBlob for many blobs, each id once, in the order of their packs; neighbouring blobs are read together. */
  readBlobs(type: BlobType, ids: Iterable<Buffer>): AsyncIterable<{ id: Buffer; plain: Buffer }>
  /** The plain length of a blob; undefined if it is not in the index. */
  blobSize(type: BlobType, id: Buffer): number | undefined
  locate(type: BlobType, id: Buffer): BlobPlace | undefined
  beginPacks(options?: PackOptions): PackWriter
  /** Every pack in the store, indexed or not. */
  listPacks(): AsyncIterable<{ id: string; size: number }>
  /** Does not sync the folder: a pack that reappears after a power loss is in no index, so it is harmless. */
  removePack(id: string): Promise<void>
  /** The sealed blob of this copy only, checked like readBlob. Throws SNAPSHOT_CORRUPT. */
  readSealed(type: BlobType, id: Buffer, place: BlobPlace): Promise<Buffer>
  /**
   * Rewrites the index files that name any of these packs; also merges small ones if there are many. New files are written
   * before old ones are deleted. The index in memory keeps the packs' entries, but does not find them any more.
   */
  dropFromIndex(packs: ReadonlySet<string>): Promise<void>
  /** Compresses, seals and publishes a file. Resolves with its id. */
  saveUnpacked(kind: UnpackedKind, content: Buffer): Promise<string>
  /** Throws NOT_FOUND; REPOSITORY_DAMAGED if its content does not match its id. */
  loadUnpacked(kind: UnpackedKind, id: string): Promise<Buffer>
  listUnpacked(kind: UnpackedKind): AsyncIterable<string>
  /** No error if it does not exist. */
  removeUnpacked(kind: UnpackedKind, id: string): Promise<void>
}

export interface PackOptions {
  /** Stores blobs even if the index has them, each once: used to move blobs from one pack to another. */
  storeAgain?: boolean
  /** Called before each index file is written; an error stops the writer. */
  assertHeld?(): Promise<void>
}

/** Writes blobs to packs of about 16 MiB, trees and data separately. */
export interface PackWriter {
  /** Whether the blob was added here, or is in the index in an undamaged pack (ignored with `storeAgain`). */
  has(type: BlobType, id: Buffer): boolean
  /** Adds a blob unless has() is true for it. `sealed` must not change afterwards. */
  add(blob: PackedBlob): Promise<void>
  /** True if the blob is needed: it then counts as added, and must be passed to addClaimed(). */
  claim(type: BlobType, id: Buffer): boolean
  /** Adds many blobs of one type that were claimed. */
  addClaimed(type: BlobType, blobs: readonly PackedBlob[]): Promise<void>
  /** Resolves when everything is on disk and indexed. */
  finish(): Promise<{ packs: number; bytes: number }>
  /** Removes what is not published, and leaves published packs to the next prune. Nothing is written after it. */
  abandon(): Promise<void>
}
