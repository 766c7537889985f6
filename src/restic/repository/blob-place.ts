export type BlobType = 'data' | 'tree'

/** Where a blob lies. */
export interface BlobPlace {
  /** 64 hex digits. */
  pack: string
  offset: number
  /** Sealed. */
  length: number
  plainLength: number
  compressed: boolean
}
