import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { CatalogCopier } from '../domain/ports.ts'
import { replaceAtomically } from '../lib/atomic-file.ts'
import type { Clock } from '../lib/clock.ts'
import { BackupdError, errnoOf } from '../lib/errors.ts'
import { toFileError } from './file-error.ts'

export interface CopierOptions {
  /** The catalog's database file. */
  file: string
  /** The copies directory: copies go only here or below. Created if it is missing. */
  copyDir: string
  clock: Clock
}

/**
 * Copies the catalog in a separate thread while it is in use. A copy is a complete database file
 * `catalog-<time>-<random>.db` that can replace the catalog to restore that moment.
 */
export function createCopier(options: CopierOptions): CatalogCopier {
  return {
    /**
     * @param dir absolute, or relative to the copies directory. Throws FORBIDDEN if it is outside, links resolved, and
     * BAD_INPUT if it cannot be a directory.
     */
    async copyTo(dir) {
      const folder = await resolveCopyFolder(options.copyDir, dir)
      const stamp = new Date(options.clock.now()).toISOString().replace(/[-:.]/g, '')
      const path = join(folder, `catalog-${stamp}-${randomBytes(4).toString('hex')}.db`)
      await publishCopy(options.file, path)
      return { path, size: (await stat(path)).size }
    },
  }
}

async function resolveCopyFolder(copyDir: string, dir: string): Promise<string> {
  await mkdir(copyDir, { recursive: true, mode: 0o700 })
  const allowed = await realpath(copyDir)
  try {
    const folder = await resolveExisting(resolve(allowed, dir))
    if (folder !== allowed && !folder.startsWith(allowed + sep)) throw forbidden(dir, allowed)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch (cause) {
    throw NOT_A_DIRECTORY_CODES.includes(errnoOf(cause) ?? '') ? noDirectory(dir, allowed) : cause
  }
}

/** Codes for a name that cannot be a directory. Node throws the first one for a NUL byte. */
const NOT_A_DIRECTORY_CODES = ['ERR_INVALID_ARG_VALUE', 'ENAMETOOLONG', 'ENOTDIR', 'EEXIST', 'ELOOP']

/** Resolves the links of the part of the path that exists. */
async function resolveExisting(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    return join(await resolveExisting(dirname(path)), basename(path))
  }
}

function noDirectory(dir: string, allowed: string): BackupdError {
  return new BackupdError(
    'BAD_INPUT',
    `Cannot copy the catalog to ${JSON.stringify(dir)}: it is not a directory and cannot be created as one. Name another directory in ${allowed}`,
  )
}

function forbidden(dir: string, allowed: string): BackupdError {
  return new BackupdError(
    'FORBIDDEN',
    `Cannot copy the catalog to "${dir}": it is outside ${allowed}, where copies go. Name a directory in it, or start with --copy-dir`,
  )
}

async function publishCopy(from: string, path: string): Promise<void> {
  const part = `${path}.part`
  try {
    await replaceAtomically(path, part, () => copyInThread(from, part))
  } catch (error) {
    throw toFileError(error, part) ?? error
  }
}

/** Rejects with the error of the thread. */
async function copyInThread(from: string, to: string): Promise<void> {
  const entry = new URL(`./copy-worker${extname(import.meta.url)}`, import.meta.url)
  await once(new Worker(entry, { workerData: { from, to }, execArgv: [] }), 'exit')
}
