import { spawn } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type PackInput, type PackSummary, packArchive } from '../../src/archive/pack.ts'
import type { ByteSink, ObjectReader } from '../../src/objects/driver.ts'

export const isRoot = process.getuid?.() === 0

/** An open file that is written from its beginning to its end. */
export interface FileSink extends ByteSink {
  sync(): Promise<void>
  close(): Promise<void>
}

/** Appends to a file; `beforeWrite` may change anything before each write. */
export async function fileWriter(path: string, beforeWrite?: (count: number) => void): Promise<FileSink> {
  const handle = await open(path, 'w')
  let count = 0
  return {
    async write(chunk) {
      beforeWrite?.(++count)
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten
    },
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

/** Reads from bytes in memory. */
export function bytesReader(bytes: Buffer): ObjectReader {
  return {
    size: bytes.length,
    read: async (position, length) => bytes.subarray(position, position + length),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

export interface Packed {
  archive: string
  index: Buffer
  summary: PackSummary
  /** `fault path: message`, paths as latin1. */
  warnings: string[]
}

export interface PackOptions extends Partial<Pick<PackInput, 'signal' | 'topName' | 'onProgress'>> {
  beforeWrite?: (count: number) => void
}

/** Packs `volume` to `archive` and `archive`.index.gz. */
export async function packTo(archive: string, volume: string, options: PackOptions = {}): Promise<Packed> {
  const warnings: string[] = []
  const out = await fileWriter(archive, options.beforeWrite)
  const index = await fileWriter(`${archive}.index.gz`)
  try {
    const summary = await packArchive({
      volume,
      topName: options.topName ?? Buffer.from(basename(volume)),
      out,
      index,
      signal: options.signal ?? new AbortController().signal,
      onProgress: options.onProgress ?? (() => {}),
      onWarning: ({ severity, path, message }) =>
        void warnings.push(`${severity} ${path.toString('latin1')}: ${message}`),
    })
    return { archive, index: await readFile(`${archive}.index.gz`), summary, warnings }
  } finally {
    await out.close()
    await index.close()
  }
}

/** Unpacks with GNU tar, with everything that it can restore; returns its stderr. */
export async function untar(archive: string, target: string): Promise<string> {
  await mkdir(target, { recursive: true })
  const flags = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner', '-S', '-p']
  const { stderr } = await runTar(['-xzf', archive, ...flags, '-C', target])
  return stderr
}

/** Runs GNU tar; rejects if its exit code is not 0. */
export async function runTar(args: string[], input?: Buffer): Promise<{ stdout: Buffer; stderr: string }> {
  const child = spawn('tar', args)
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  child.stdin.end(input)
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`tar ${args.join(' ')} ended with ${code}: ${stderr}`)
  return { stdout: Buffer.concat(stdout), stderr }
}
