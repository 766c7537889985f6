/** How all simulated daemons behave; may change at any time. */
export interface Manners {
  /** They wait as long as `Retry-After` says. */
  obeysRetryAfter: boolean
  /** They report the version of their list of jobs, and what changed since another one. */
  reportsListVersion: boolean
}
