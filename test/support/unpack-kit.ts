import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type UnpackInput, unpackArchive } from '../../src/archive/unpack.ts'
import { bytesToText } from '../../src/lib/byte-paths.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import type { ObjectReader } from '../../src/objects/driver.ts'
import type { UnpackSummary } from '../../src/volume/tree/unpack-summary.ts'

/** A folder with room for an archive and what it unpacks to; gone at the end of the block. */
export interface Bench extends Disposable {
  path: string
  /** An existing empty directory. */
  target: string
}

/** `memory`: where syncing costs nothing, if this machine has such a place; attributes may not be had there. */
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

/** `CODE: message` of what it is refused with, or what it gave where it was not. */
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

/** GNU tar's own words where it could not keep everything; its exit code is not looked at. */
export function gnuTar(...args: string[]): string {
  try {
    execFileSync('tar', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    return ''
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error)
  }
}

export const isRoot = process.getuid?.() === 0
