import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The content of a folder: files by their paths, or a function that writes it. */
export type Content = Record<string, string | Buffer> | ((folder: string) => void)

export function writeContent(folder: string, content: Content): void {
  if (typeof content === 'function') {
    content(folder)
    return
  }
  for (const [name, bytes] of Object.entries(content)) {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
}
