import type { Content } from './content-pool.ts'

/** A file that is being read. */
export interface Reading {
  content: Promise<Content>
}
