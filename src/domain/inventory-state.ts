import type { Plan } from './plan.ts'

/** The inventory in force, and what stands against the newest one. */
export interface InventoryState {
  plan: Plan
  /** ISO 8601: since when this plan is in force. */
  since: string
  /** Why the newest inventory could not be read, or that none was told yet; null where one was read. */
  problem: string | null
  held: HeldChange | null
}

/** A change that loses so much that it waits: a slip of the hand must not end the backups. */
export interface HeldChange {
  plan: Plan
  lostVolumes: number
  ofVolumes: number
  /** Unix ms. */
  since: number
  until: number
}
