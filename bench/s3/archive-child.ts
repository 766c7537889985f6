import { mkdirSync } from 'node:fs'
import { basename } from 'node:path'
import { readIndex } from '../../src/archive/index-format.ts'
import { packArchive } from '../../src/archive/pack.ts'
import { unpackArchive } from '../../src/archive/unpack.ts'
import type { ObjectReader } from '../../src/objects/driver.ts'
import { openDriverOf } from '../open-driver-of.ts'
import { peakMiB } from '../peak-memory.ts'

/**
 * `pack STORE VOLUME`: packs a volume into an archive of the store. `unpack STORE TARGET`: unpacks that into a new folder.
 * Prints the peak of its memory as JSON. Bundled, as runners are.
 */
const [, , step, store = '', path = ''] = process.argv
const ARCHIVE = '127.0.0.1/bench.tar.gz'
const INDEX = `${ARCHIVE}.index.gz`
const driver = await openDriverOf(store)
const { signal } = new AbortController()
if (step === 'pack') await pack()
else await unpack()
console.log(JSON.stringify({ peakMiB: peakMiB() }))

async function pack(): Promise<void> {
  const [out, index] = [await driver.create(ARCHIVE), await driver.create(INDEX)]
  await packArchive({
    ...{ volume: path, topName: Buffer.from(basename(path)), out, index, signal },
    onProgress: () => {},
    onWarning: ({ path: where, message }) => console.error(`${where}: ${message}`),
  })
  for (const writer of [index, out]) await writer.commit()
}

async function unpack(): Promise<void> {
  await using archive = await driver.open(ARCHIVE)
  await using index = await driver.open(INDEX)
  mkdirSync(path)
  await unpackArchive({
    ...{ archive, expected: null, members: await readMembers(index), target: path, signal },
    onProgress: () => {},
    onWarning: ({ path: where, message }) => console.error(`${where}: ${message}`),
  })
}

async function readMembers(index: ObjectReader): Promise<number[]> {
  const sizes: number[] = []
  for await (const line of readIndex(index))
    if (line.kind === 'members') for (const [bytes] of line.sizes) sizes.push(bytes)
  return sizes
}
