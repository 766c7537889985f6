import type { Clock } from '../../lib/clock.ts'
import type { Driver } from '../../objects/driver.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import type { BlobIndex } from './blob-index.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'

export interface RepositoryPlace {
  driver: Driver
  /** `<ip>/repo`, as a name for the driver. */
  base: string
}

export interface OpenOptions {
  password: Buffer
  clock: Clock
  warn(message: string): void
}

/** Small files that are sealed as a whole. */
export type UnpackedKind = 'snapshots' | 'index' | 'locks' | 'keys'

/** A blob as it is put into a pack. */
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
   * Packs with damage: those that distrust() named, and in which reading found some. Other copies of their blobs are
   * read first, and who writes stores them again.
   */
  readonly distrusted: ReadonlySet<string>
  distrust(packs: Iterable<string>): void
  /** Loads the index of blobs, or brings it up to date. */
  loadIndex(): Promise<BlobIndex>
  /**
   * Plain content of a blob, its id checked. Throws SNAPSHOT_CORRUPT with the facts `pack` and `blob` where no copy of
   * it is whole, or where the index does not know it.
   */
  readBlob(type: BlobType, id: Buffer): Promise<Buffer>
  /**
   * As readBlob, in pieces, for a tree that is too large to be held whole. Its seal is checked before the first piece,
   * its id behind the last one: SNAPSHOT_CORRUPT may come late.
   */
  streamBlob(type: BlobType, id: Buffer): AsyncIterable<Buffer>
  /** As readBlob, of many: in the order in which they lie in their packs, neighbours read in one go; each id once. */
  readBlobs(type: BlobType, ids: Iterable<Buffer>): AsyncIterable<{ id: Buffer; plain: Buffer }>
  /** Plain length of a blob; undefined where the index does not know it. */
  blobSize(type: BlobType, id: Buffer): number | undefined
  locate(type: BlobType, id: Buffer): BlobPlace | undefined
  beginPacks(options?: PackOptions): PackWriter
  /** Every pack in the store, indexed or not. */
  listPacks(): AsyncIterable<{ id: string; size: number }>
  /** Its folder is not synced: a pack that is back after a power loss is in no index, and harms nobody. */
  removePack(id: string): Promise<void>
  /** A blob as it lies in a pack, checked as readBlob does, from this copy alone. Throws SNAPSHOT_CORRUPT. */
  readSealed(type: BlobType, id: Buffer, place: BlobPlace): Promise<Buffer>
  /**
   * Rewrites the index files that name any of these packs without them, new ones before old ones go; small ones too,
   * where there are many. In the index in memory the packs' entries stay, and are not found.
   */
  dropFromIndex(packs: ReadonlySet<string>): Promise<void>
  /** Sealed, compressed, published; resolves with its id. */
  saveUnpacked(kind: UnpackedKind, content: Buffer): Promise<string>
  /** Throws NOT_FOUND; REPOSITORY_DAMAGED where it is not what its id says. */
  loadUnpacked(kind: UnpackedKind, id: string): Promise<Buffer>
  listUnpacked(kind: UnpackedKind): AsyncIterable<string>
  /** No error where it is not there. */
  removeUnpacked(kind: UnpackedKind, id: string): Promise<void>
}

export interface PackOptions {
  /** It takes blobs although the index has them, each once, as where they move from one pack to another. */
  anew?: boolean
  /** Called before each index file: what it throws stops the writer. */
  assertHeld?(): Promise<void>
}

/** Puts blobs into packs of about 16 MiB, those of trees and of data apart. */
export interface PackWriter {
  /** In the index, in a pack without damage, or added here; where it writes anew, added here. */
  has(type: BlobType, id: Buffer): boolean
  /** Takes `sealed` over: it may not change afterwards. A blob that it has already is left out. */
  add(blob: PackedBlob): Promise<void>
  /** If it is wanted: from now on it counts as added, and must follow with addClaimed(). */
  claim(type: BlobType, id: Buffer): boolean
  /** As add(), of many of one type that were claimed. */
  addClaimed(type: BlobType, blobs: readonly PackedBlob[]): Promise<void>
  /** All of it on the disk, and indexed. */
  finish(): Promise<{ packs: number; bytes: number }>
  /** Leaves what is published to the next prune, and removes the rest. After it nothing is written any more. */
  abandon(): Promise<void>
}
