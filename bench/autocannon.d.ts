/** The part of autocannon that we use; it has no types of its own. */
declare module 'autocannon' {
  interface Options {
    url: string
    method?: string
    headers?: Record<string, string>
    body?: string
    connections: number
    /** Seconds. */
    duration: number
    /** Requests a second, of all connections together; each latency is then measured from when the request was due. */
    overallRate?: number
  }
  interface Result {
    requests: { average: number; total: number }
    /** Milliseconds. */
    latency: { p50: number; p99: number; max: number }
    errors: number
    timeouts: number
    non2xx: number
  }
  function autocannon(options: Options): Promise<Result>
  export = autocannon
}
