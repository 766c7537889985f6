import { hash } from 'node:crypto'

/** Of this many files the share of changed ones is known to a few percent; of fewer, exactly. */
const MAX_FILES = 128
const PATH_BYTES = 6
const CONTENT_BYTES = 3
const FILE_BYTES = PATH_BYTES + CONTENT_BYTES
/** Fewer say little about all files. */
const MIN_COMPARED = 16

interface SampledFile {
  /** The first bytes of the hash of its path. */
  path: number
  /** The first bytes of the hash of its content. */
  content: number
}

/**
 * A sample of the files of an archive: those whose paths have the lowest hashes. So two archives of a volume have a sample
 * of the same files, and their manifests tell how many of all files differ, without a look at the archives.
 */
export class FileSampler {
  /** By path. */
  readonly #files: SampledFile[] = []

  /** @param sha256 of its content, in hex */
  add(path: Buffer, sha256: string): void {
    const number = hash('sha1', path, 'buffer').readUIntBE(0, PATH_BYTES)
    const at = this.#findPlace(number)
    if (at === MAX_FILES) return
    const file = { path: number, content: Number.parseInt(sha256.slice(0, CONTENT_BYTES * 2), 16) }
    const isKnown = this.#files[at]?.path === number
    this.#files.splice(at, isKnown ? 1 : 0, file)
    if (this.#files.length > MAX_FILES) this.#files.pop()
  }

  toText(): string {
    const bytes = Buffer.alloc(this.#files.length * FILE_BYTES)
    for (const [n, { path, content }] of this.#files.entries()) {
      bytes.writeUIntBE(path, n * FILE_BYTES, PATH_BYTES)
      bytes.writeUIntBE(content, n * FILE_BYTES + PATH_BYTES, CONTENT_BYTES)
    }
    return bytes.toString('base64')
  }

  /** The first position that has this path or a higher one. */
  #findPlace(path: number): number {
    let [low, high] = [0, this.#files.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#files[middle]?.path ?? 0) < path) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The share of the earlier files that have other content or are gone, 0 to 1; null if too few can be compared. */
export function compareSamples(before: string, now: string): number | null {
  const [earlier, later] = [parseSample(before), parseSample(now)]
  const limit = Math.min(findLimit(earlier), findLimit(later))
  const compared = earlier.filter(({ path }) => path <= limit)
  if (compared.length < MIN_COMPARED) return null
  const contents = new Map(later.map(({ path, content }) => [path, content]))
  const changed = compared.filter(({ path, content }) => contents.get(path) !== content)
  return changed.length / compared.length
}

/** Up to this path, all files of the archive are in its sample. */
function findLimit(sample: readonly SampledFile[]): number {
  return sample.length < MAX_FILES ? Number.POSITIVE_INFINITY : (sample.at(-1)?.path ?? 0)
}

function parseSample(text: string): SampledFile[] {
  const bytes = Buffer.from(text, 'base64')
  return Array.from({ length: Math.floor(bytes.length / FILE_BYTES) }, (_, n) => ({
    path: bytes.readUIntBE(n * FILE_BYTES, PATH_BYTES),
    content: bytes.readUIntBE(n * FILE_BYTES + PATH_BYTES, CONTENT_BYTES),
  }))
}
