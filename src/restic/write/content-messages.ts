import type { MessagePort } from 'node:worker_threads'
import type { Extent } from '../../volume/tree/entry.ts'
import type { RepositoryKey } from '../codec/crypt.ts'

/** Messages between the main thread and the threads that turn content into blobs. This one starts a thread. */
export interface ContentStart {
  key: RepositoryKey
  polynomial: bigint
  answers: SharedArrayBuffer
  /** Where the memory of messages comes back. */
  returns: MessagePort
}

export type ContentJob = FileJob | SmallFilesJob

/** An open file: descriptors belong to the process, not to a thread. */
export interface FileJob {
  kind: 'file'
  fd: number
  size: number
  /** The data of a sparse file; null = no holes. */
  extents: Extent[] | null
}

/** Concatenated files that are in memory; each becomes one blob. */
export interface SmallFilesJob {
  kind: 'small'
  data: Uint8Array<ArrayBuffer>
  lengths: number[]
}

export type FromWorker = AskMessage | BlobsMessage | DoneMessage

/**
 * Asks which of these blobs are needed; the thread blocks until the answer. `bytes` were read since the last
 * message.
 */
export interface AskMessage {
  kind: 'ask'
  ids: Uint8Array
  bytes: number
}

export interface BlobsMessage {
  kind: 'blobs'
  blobs: SealedBlob[]
  /** Concatenated, like the sealed blobs: one buffer is cheaper than many small ones. */
  ids: Uint8Array
  bytes: Uint8Array<ArrayBuffer>
}

export interface SealedBlob {
  /** The sealed length. */
  length: number
  plainLength: number
  compressed: boolean
}

export interface DoneMessage {
  kind: 'done'
  /** The ids of all chunks; null if the file is left out. */
  ids: Uint8Array | null
  /** What is wrong with the content, in words. */
  fault: string | undefined
  /** The memory of small files, for others. */
  memory?: Uint8Array<ArrayBuffer>
}

export const ID_LENGTH = 32

/** Splits concatenated ids. */
export function splitIds(ids: Buffer): Buffer[] {
  const count = ids.length / ID_LENGTH
  return Array.from({ length: count }, (_, at) => ids.subarray(at * ID_LENGTH, (at + 1) * ID_LENGTH))
}

/** The most blobs in one AskMessage. */
export const MAX_PER_ASK = 128
/**
 * Bytes of the shared memory for answers: a 32-bit word that is 0 until the answer is there, then a byte for each
 * id.
 */
export const ANSWERS_LENGTH = 4 + MAX_PER_ASK
