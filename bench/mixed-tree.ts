import { createCipheriv } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const OUT = fileURLToPath(new URL('./out/', import.meta.url))
const FOLDERS = 200
const LOGS = 200
const BLOBS = 5
const MiB = 1 << 20

export interface MixedTree {
  /** The tree's directory; its name is the archive's top. */
  path: string
  bytes: number
  files: number
}

/**
 * The tree of the benchmarks, made once under bench/out: half text that compresses (small files and logs), half bytes
 * that do not. The same bytes each time.
 */
export function mixedTree({ mib = 1024, files = 20_000 }: { mib?: number; files?: number } = {}): MixedTree {
  const path = `${OUT}mixed-${mib}-${files}`
  const tree = { path, bytes: mib * MiB, files }
  if (existsSync(`${path}.made`)) return tree
  rmSync(path, { recursive: true, force: true })
  makeTree(tree)
  writeFileSync(`${path}.made`, '')
  return tree
}

function makeTree({ path, bytes, files }: MixedTree): void {
  const random = randomNumbers(42)
  const text = textPool(16 * MiB, random)
  const slice = (length: number) => text.subarray((random() % (text.length - length)) | 0).subarray(0, length)
  for (let folder = 0; folder < FOLDERS; folder++) mkdirSync(`${path}/small/${folder}`, { recursive: true })
  const longest = Math.max(1, Math.min(16_000, Math.floor(bytes / 2 / files)))
  let left = bytes / 2
  for (let n = 0; n < files - LOGS - BLOBS; n++) {
    const length = 200 + (random() % longest)
    left -= length
    writeFileSync(`${path}/small/${n % FOLDERS}/${n}.txt`, slice(length))
  }
  const log = Math.max(1000, Math.floor(left / LOGS))
  mkdirSync(`${path}/logs`)
  for (let n = 0; n < LOGS; n++) writePieces(`${path}/logs/${n}.log`, log, slice)
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16))
  const blob = Math.floor(bytes / 2 / BLOBS)
  mkdirSync(`${path}/blobs`)
  for (let n = 0; n < BLOBS; n++)
    writePieces(`${path}/blobs/${n}.bin`, blob, (length) => cipher.update(Buffer.alloc(length)))
}

function writePieces(path: string, length: number, piece: (length: number) => Buffer): void {
  for (let left = length; left > 0; left -= 4 * MiB) appendFileSync(path, piece(Math.min(left, 4 * MiB)))
}

/** Lines like those of a log: some words are frequent, some are rare, and the numbers differ. */
function textPool(bytes: number, random: () => number): Buffer {
  const words = Array.from({ length: 4000 }, () =>
    random()
      .toString(36)
      .slice(0, 3 + (random() % 6)),
  )
  const lines: string[] = []
  for (let made = 0; made < bytes; ) {
    const count = 6 + (random() % 10)
    const line = [`2026-11-23T${random() % 24}:${random() % 60}:${random() % 60}`]
    for (let n = 0; n < count; n++) line.push(words[random() % (1 + (random() % words.length))] ?? '')
    lines.push(`${line.join(' ')} ${random() % 100_000}\n`)
    made += lines.at(-1)?.length ?? 0
  }
  return Buffer.from(lines.join('')).subarray(0, bytes)
}

/** mulberry32, whole numbers from 0 to 2^32 - 1. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
