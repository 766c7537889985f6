import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { packArchive } from '../src/archive/pack.ts'
import { peakMiB } from './peak-memory.ts'

/** Packs argv[2] into argv[3], syncs, and prints time and memory as JSON. A process of its own, as a runner is. */
const [, , volume = '', file = ''] = process.argv
const out = await fileWriter(file)
const index = await fileWriter(`${file}.index.gz`)
let warnings = 0
const summary = await packArchive({
  volume,
  topName: Buffer.from(basename(volume)),
  out,
  index,
  signal: new AbortController().signal,
  onProgress: () => {},
  onWarning: () => warnings++,
})
for (const writer of [out, index]) {
  await writer.sync()
  await writer.close()
}
console.log(JSON.stringify({ ...summary, warnings, peakMiB: peakMiB() }))

async function fileWriter(path: string) {
  const handle = await open(path, 'w')
  return {
    write: async (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}
