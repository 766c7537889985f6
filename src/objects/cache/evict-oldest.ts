import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

interface CachedFile {
  path: string
  bytes: number
  usedMs: number
  isUnfinished: boolean
}

/** What remains after a cleaning, so that the next one is not due at once. */
const KEPT_SHARE = 0.9
/** An unfinished copy of this age belongs to a process that died. */
const ABANDONED_MS = 60 * 60_000
const NEW = 'new-'
/** What a file takes besides its bytes, at least: most are small. */
const BLOCK_BYTES = 4096

/** The name of a copy until it is whole. */
export function newCopyName(): string {
  return `${NEW}${randomUUID()}`
}

/**
 * Removes the files that were not used for longest, until the others take at most `maxBytes`, and what dead processes
 * left.
 */
export async function evictOldest(folder: string, maxBytes: number): Promise<void> {
  const files = await listFiles(folder)
  const isAbandoned = ({ isUnfinished, usedMs }: CachedFile) =>
    isUnfinished && Date.now() - usedMs > ABANDONED_MS
  for (const { path } of files.filter(isAbandoned)) await rm(path, { force: true })
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  if (bytes <= maxBytes) return
  const oldestFirst = files.filter(({ isUnfinished }) => !isUnfinished).sort((a, b) => a.usedMs - b.usedMs)
  for (const file of oldestFirst) {
    if (bytes <= maxBytes * KEPT_SHARE) return
    await rm(file.path, { force: true })
    bytes -= file.bytes
  }
}

async function listFiles(folder: string): Promise<CachedFile[]> {
  const files: CachedFile[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = entry.isFile() ? await inspect(entry) : undefined
    if (file) files.push(file)
  }
  return files
}

/** Undefined if another process removed it meanwhile. */
async function inspect({ parentPath, name }: Dirent): Promise<CachedFile | undefined> {
  const path = join(parentPath, name)
  const found = await stat(path).catch(() => undefined)
  if (!found) return undefined
  return { path, bytes: found.size + BLOCK_BYTES, usedMs: found.mtimeMs, isUnfinished: name.startsWith(NEW) }
}
