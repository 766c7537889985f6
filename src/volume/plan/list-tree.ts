import { closeSync } from 'node:fs'
import { joinPath } from '../tree/join-path.ts'
import { toTreeEntry } from '../tree/stat-entry.ts'
import { type OutputFolder, openOutputFolder } from '../tree/write-folder.ts'
import { listLive, openIfFolder } from './live-folder.ts'
import type { ComparedEntry } from './plan-entries.ts'
import { readLink } from './read-link.ts'

/** Lists all entries of a folder that a backup can contain. Links are listed, never followed. */
export async function* listTree(path: string): AsyncGenerator<ComparedEntry> {
  const root = openOutputFolder(path)
  try {
    yield* listFolder(root, Buffer.alloc(0))
  } finally {
    closeSync(root.fd)
  }
}

async function* listFolder(folder: OutputFolder, path: Buffer): AsyncGenerator<ComparedEntry> {
  for (const { name, type, stat } of listLive(folder, false)) {
    if (!type) continue
    const entry = toTreeEntry(type, stat, joinPath(path, name))
    if (type === 'symlink') entry.linkTarget = readLink(folder.at(name))
    yield entry
    const inner = type === 'directory' ? openIfFolder(folder, name) : undefined
    if (inner) yield* closeAfter(inner, listFolder(inner, entry.path))
  }
}

async function* closeAfter<T>({ fd }: OutputFolder, items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items
  } finally {
    closeSync(fd)
  }
}
