/** Monotonic milliseconds; unlike the wall clock, they never jump. */
export type Uptime = () => number
