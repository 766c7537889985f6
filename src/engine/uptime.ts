/** Milliseconds that only ever grow; the wall clock jumps. */
export type Uptime = () => number
