/**
 * The memory of this process under the names of the recorded system's runtime, as far as ours has the like: bytes now.
 * What it has not (counts of allocations and collections) is left out.
 */
export function memStats(): Record<string, number> {
  const { heapUsed, heapTotal, rss } = process.memoryUsage()
  return {
    Alloc: heapUsed,
    Sys: rss,
    HeapAlloc: heapUsed,
    HeapInuse: heapUsed,
    HeapIdle: heapTotal - heapUsed,
    HeapSys: heapTotal,
  }
}
