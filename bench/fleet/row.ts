import type { World } from './world.ts'

/** One line of the table. */
export interface Row {
  /** For `--rows`. */
  name: string
  title: string
  /** What has to be reached, in words. */
  target: string
  digits?: number
  /** The number for the table; NaN if it cannot be measured, Infinity if it never came. */
  measure(world: World): Promise<number>
}
