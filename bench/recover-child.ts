import { open, readFile } from 'node:fs/promises'
import { readIndex } from '../src/archive/index-format.ts'
import { unpackArchive } from '../src/archive/unpack.ts'
import type { ObjectReader } from '../src/objects/driver.ts'
import { applyRootMetadata } from '../src/volume/tree/write.ts'
import { peakMiB } from './peak-memory.ts'

/** Unpacks argv[2] into argv[3] and prints time and memory as JSON. A process of its own, as a runner is. */
const [, , file = '', target = ''] = process.argv
let warnings = 0
const { size, sha256 } = JSON.parse(await readFile(`${file}.json`, 'utf8'))
const { root, ...summary } = await unpackArchive({
  archive: await fileReader(file),
  expected: { size, sha256 },
  members: await membersIn(`${file}.index.gz`),
  target,
  signal: new AbortController().signal,
  onProgress: () => {},
  onWarning: () => warnings++,
})
if (root) await applyRootMetadata(target, root)
console.log(JSON.stringify({ ...summary, warnings, peakMiB: peakMiB() }))

async function membersIn(index: string): Promise<number[]> {
  const sizes: number[] = []
  await using reader = await fileReader(index)
  for await (const line of readIndex(reader)) {
    if (line.kind === 'members') for (const [bytes] of line.sizes) sizes.push(bytes)
  }
  return sizes
}

async function fileReader(path: string): Promise<ObjectReader> {
  const handle = await open(path, 'r')
  const close = () => handle.close()
  return {
    size: (await handle.stat()).size,
    async read(position, length) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
      return buffer.subarray(0, bytesRead)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
