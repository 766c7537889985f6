import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const LARGEST = 60_000
const LARGE = 3_000_000

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Changes a volume as users do, one thing at a time, the same way for the same seed. */
export class RandomEdits {
  readonly #volume: string
  readonly #random: () => number
  #made = 0

  constructor(volume: string, seed: number) {
    this.#volume = volume
    this.#random = randomOf(seed)
  }

  /** A few files to begin with, one of them of several chunks. */
  start(): void {
    mkdirSync(join(this.#volume, 'deep/deeper'), { recursive: true })
    writeFileSync(join(this.#volume, 'large'), this.#bytes(LARGE))
    for (let n = 0; n < 20; n++) this.#newFile()
  }

  edit(times: number): void {
    const edits = [
      () => this.#newFile(),
      () => this.#newFile(),
      () => this.#changeInPlace(),
      () => this.#changeInPlace(),
      () => this.#append(),
      () => this.#truncate(),
      () => this.#rename(),
      () => this.#rename(),
      () => this.#remove(),
      () => this.#changeType(),
      () => this.#changeType(),
      () => this.#changeMetadata(),
      () => this.#addLinks(),
      () => this.#makeSparse(),
    ]
    for (let n = 0; n < times; n++) this.#pick(edits)?.()
  }

  #newFile(): void {
    writeFileSync(this.#newPath(), this.#bytes(this.#below(LARGEST)))
  }

  /** The same size and the same mtime: only the ctime changes. */
  #changeInPlace(): void {
    const path = this.#file()
    if (!path) return
    const { size, atime, mtime } = lstatSync(path)
    const file = openSync(path, 'r+')
    writeSync(file, this.#bytes(Math.min(100, size)), 0, undefined, this.#below(Math.max(size - 100, 1)))
    ftruncateSync(file, size)
    closeSync(file)
    if (this.#random() < 0.5) utimesSync(path, atime, mtime)
  }

  #append(): void {
    const path = this.#file()
    if (path) appendFileSync(path, this.#bytes(this.#below(5000)))
  }

  #truncate(): void {
    const path = this.#file()
    if (!path) return
    const file = openSync(path, 'r+')
    ftruncateSync(file, this.#below(lstatSync(path).size + 1))
    closeSync(file)
  }

  #rename(): void {
    const path = this.#any()
    const to = this.#newPath()
    if (path && !to.startsWith(`${path}/`)) renameSync(path, to)
  }

  #remove(): void {
    const path = this.#file()
    if (path) rmSync(path)
  }

  #changeType(): void {
    const path = this.#any()
    if (!path || readdirIfFolder(path).length > 6) return
    rmSync(path, { recursive: true })
    const make = this.#pick([
      () => writeFileSync(path, this.#bytes(this.#below(LARGEST))),
      () => mkdirSync(path),
      () => symlinkSync(`../target ${this.#made}`, path),
      () => void execFileSync('mkfifo', [path]),
    ])
    make?.()
  }

  #changeMetadata(): void {
    const path = this.#file()
    if (!path) return
    chmodSync(path, 0o600 + this.#below(0o200))
    if (process.getuid?.() === 0) chownSync(path, this.#below(2000), this.#below(2000))
    utimesSync(path, this.#below(2 ** 31), this.#below(2 ** 31) + 0.25)
  }

  #addLinks(): void {
    const path = this.#file()
    if (path) linkSync(path, this.#newPath())
    symlinkSync(`to nowhere ${this.#made}`, this.#newPath())
  }

  #makeSparse(): void {
    const file = openSync(this.#newPath(), 'w')
    writeSync(file, this.#bytes(5000), 0, undefined, 1_000_000)
    ftruncateSync(file, 2_000_000)
    closeSync(file)
  }

  #newPath(): string {
    const folder = this.#pick([this.#volume, ...this.#paths('isDirectory')]) ?? this.#volume
    const name = Buffer.from(`name ${this.#made++} ü`)
    return join(folder, name.toString())
  }

  #file(): string | undefined {
    return this.#pick(this.#paths('isFile'))
  }

  #any(): string | undefined {
    return this.#pick([
      ...this.#paths('isFile'),
      ...this.#paths('isDirectory'),
      ...this.#paths('isSymbolicLink'),
    ])
  }

  #paths(kind: 'isFile' | 'isDirectory' | 'isSymbolicLink'): string[] {
    return readdirSync(this.#volume, { recursive: true, withFileTypes: true })
      .filter((entry) => entry[kind]())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)]
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #bytes(length: number): Buffer {
    const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => this.#random() * 2 ** 32)
    return Buffer.from(words.buffer).subarray(0, length)
  }
}

function readdirIfFolder(path: string): string[] {
  return lstatSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : []
}
