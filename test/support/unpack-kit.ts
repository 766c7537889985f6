import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type UnpackInput, unpackArchive } from '../../src/archive/unpack.ts'
import { bytesToText } from '../../src/lib/byte-paths.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import type { ObjectReader } from '../../src/objects/driver.ts'
import type { UnpackSummary } from '../../src/volume/tree/unpack-summary.ts'

/** A folder for an archive and its unpacked content; removed at the end of the block. */
export interface Bench extends Disposable {
  path: string
  /** An existing empty directory. */
  target: string
}

/** `memory`: a place where syncing costs nothing, if this machine has one; it may not support attributes. */
export function makeBench(where: 'disk' | 'memory' = 'disk'): Bench {
  const folder = where === 'memory' && existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = mkdtempSync(join(folder, 'backupd-unpack-'))
  const target = mkdtempSync(join(path, 'target-'))
  return { path, target, [Symbol.dispose]: () => void execFileSync('rm', ['-rf', path]) }
}

export function readerOf(bytes: Buffer): ObjectReader {
  return {
    size: bytes.length,
    read: async (position, length) => Buffer.from(bytes.subarray(position, position + length)),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

export type Unpacked = UnpackSummary & { warnings: string[] }

/** Unpacks an archive; warnings as `severity path: message`. */
export async function unpack(
  archive: Buffer | string,
  target: string,
  options: Partial<UnpackInput> = {},
): Promise<Unpacked> {
  const warnings: string[] = []
  const summary = await unpackArchive({
    archive: readerOf(typeof archive === 'string' ? readFileSync(archive) : archive),
    expected: null,
    members: null,
    target,
    signal: new AbortController().signal,
    onProgress: () => {},
    onWarning: ({ severity, path, message }) => warnings.push(`${severity} ${bytesToText(path)}: ${message}`),
    ...options,
  })
  return { ...summary, warnings }
}

/** `CODE: message` of the refusal, or the result if there was none. */
export async function refusalOf(
  archive: Buffer,
  target: string,
  options: Partial<UnpackInput> = {},
): Promise<string> {
  try {
    return `restored: ${JSON.stringify((await unpack(archive, target, options)).warnings)}`
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    return `${error.code}: ${error.message}`
  }
}

/** GNU tar's messages about what it could not keep; its exit code is ignored. */
export function gnuTar(...args: string[]): string {
  try {
    execFileSync('tar', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    return ''
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error)
  }
}

export const isRoot = process.getuid?.() === 0
