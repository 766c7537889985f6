import type { MeasuredController } from './controller.ts'

const MIB = 1024 * 1024

/** Resident memory of a controller in MiB; also prints what its main thread has of it. */
export async function readResidentMib({ probe }: MeasuredController): Promise<number> {
  const { rss, heapUsed, heapTotal, external } = await probe.memory()
  const parts = [heapUsed, heapTotal, external].map((bytes) => (bytes / MIB).toFixed(0))
  console.error(
    `  resident ${(rss / MIB).toFixed(0)} MiB; heap of the main thread: ${parts[0]} of ${parts[1]} MiB, outside it ${parts[2]} MiB`,
  )
  return rss / MIB
}
