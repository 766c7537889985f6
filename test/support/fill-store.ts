import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** Fills the file system of a folder; call the result to free the space again. */
export function fillFileSystem(folder: string): () => void {
  const path = join(folder, 'filling')
  const file = openSync(path, 'w')
  for (const size of [1 << 20, 4096, 1]) writeWhileItFits(file, Buffer.alloc(size))
  fsyncSync(file)
  closeSync(file)
  return () => rmSync(path)
}

function writeWhileItFits(file: number, chunk: Buffer): void {
  try {
    for (;;) if (writeSync(file, chunk) < chunk.length) return
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('ENOSPC')) throw error
  }
}
