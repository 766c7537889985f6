/**
 * The current memory use of this process, in bytes, under the names that the legacy daemon's Go runtime uses. Values
 * that Node does not have (counts of allocations and collections) are left out.
 */
export function readMemStats(): Record<string, number> {
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
