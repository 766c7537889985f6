import type { Content } from './content-pool.ts'

/** A file that is being read. */
export interface PendingContent {
  content: Promise<Content>
}
