// Time and memory of filling and querying the index of blobs.
//   node bench/blob-index.ts [BLOBS]     20 million by default
import { indexOfNumbers, numberedId, typeOfNumber } from '../test/support/many-blobs.ts'

const COUNT = Number(process.argv[2] ?? 20_000_000)

function measure<T>(what: string, count: number, work: () => T): T {
  const started = performance.now()
  const result = work()
  const ms = performance.now() - started
  console.log(
    `${what.padEnd(24)} ${(ms / 1000).toFixed(1).padStart(7)} s ${((ms * 1e6) / count).toFixed(0)} ns each`,
  )
  return result
}

const memoryBefore = process.memoryUsage.rss()
const index = measure(`${COUNT} blobs added`, COUNT, () => indexOfNumbers(COUNT))
measure('all of them found', COUNT, () => {
  for (let n = 0; n < COUNT; n++) {
    if (index.find(typeOfNumber(n), numberedId(n)) !== n) throw new Error(`the blob ${n} is lost`)
  }
})
const bytes = process.memoryUsage.rss() - memoryBefore
console.log(`${(bytes / 2 ** 20).toFixed(0)} MiB, ${(bytes / COUNT).toFixed(1)} bytes a blob`)
