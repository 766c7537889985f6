import type { Extent } from '../../volume/tree/entry.ts'
import type { RepositoryKey } from '../codec/crypt.ts'

/** What crosses between the run and the threads that turn content into blobs. */
export interface ContentStart {
  key: RepositoryKey
  polynomial: bigint
  answers: SharedArrayBuffer
}

export type ContentJob = FileJob | SmallFilesJob

/** An open file: descriptors belong to the process, not to a thread. */
export interface FileJob {
  kind: 'file'
  fd: number
  size: number
  /** Where its data lies; null = everywhere. */
  extents: Extent[] | null
}

/** Files that are in memory, one behind the other; each is one piece. */
export interface SmallFilesJob {
  kind: 'small'
  data: Uint8Array<ArrayBuffer>
  lengths: number[]
}

export type FromWorker = AskMessage | BlobsMessage | DoneMessage

/** Which of these blobs are wanted: the thread waits until it is answered. `bytes` were read since the last message. */
export interface AskMessage {
  kind: 'ask'
  ids: Uint8Array
  bytes: number
}

export interface BlobsMessage {
  kind: 'blobs'
  blobs: SealedBlob[]
  /** Their ids, then what is sealed, one behind the other: many small pieces of memory would be a burden. */
  bytes: Uint8Array<ArrayBuffer>
}

export interface SealedBlob {
  /** Of what is sealed. */
  length: number
  plainLength: number
  compressed: boolean
}

export interface DoneMessage {
  kind: 'done'
  /** The ids of all pieces; null where the file is left out. */
  ids: Uint8Array | null
  /** What is wrong with the content, in words. */
  fault: string | undefined
}

export const ID_LENGTH = 32

/** Ids that lie one behind the other. */
export function idsIn(ids: Buffer): Buffer[] {
  const count = ids.length / ID_LENGTH
  return Array.from({ length: count }, (_, at) => ids.subarray(at * ID_LENGTH, (at + 1) * ID_LENGTH))
}

/** So many blobs at most are asked for at once. */
export const ASKED_AT_ONCE = 128
/** In the shared memory: a word that is 0 while an answer is waited for, then one byte for each id. */
export const ANSWERS_LENGTH = 4 + ASKED_AT_ONCE
