export type BlobType = 'data' | 'tree'

/** The place of a blob in a pack. Lengths and offsets are bytes. */
export interface BlobPlace {
  /** 64 hex digits. */
  pack: string
  offset: number
  /** The sealed length. */
  length: number
  plainLength: number
  compressed: boolean
}
