import type { Plan } from './plan.ts'

/** The inventory in force, and why the newest one is not, if so. */
export interface InventoryState {
  plan: Plan
  /** ISO 8601: when this plan came into force. */
  since: string
  /** Why the newest inventory could not be read, or that none has arrived yet; null if one was read. */
  problem: string | null
  held: HeldChange | null
}

/** A change that loses so many volumes that it is delayed, because a typing error must not end the backups. */
export interface HeldChange {
  plan: Plan
  lostVolumes: number
  ofVolumes: number
  /** Unix ms. */
  since: number
  until: number
}
