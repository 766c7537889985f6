import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomically } from '../../lib/atomic-file.ts'
import { errnoOf } from '../../lib/errors.ts'
import { parseJson } from '../../wire/json.ts'
import { makeKeptFolder } from './kept-note.ts'

const schema = z.object({ format: z.literal(1), paths: z.array(z.string()) })

/** Beside the notes, so that it is lost with them. */
function searchedFile(dataDir: string): string {
  return join(dataDir, 'kept', 'searched')
}

/** The paths of the volumes that were searched for lost copies since the data directory is there. */
export async function readSearched(dataDir: string): Promise<Set<string>> {
  const file = searchedFile(dataDir)
  try {
    return new Set(parseJson(file, await readFile(file, 'utf8'), schema).paths)
  } catch (error) {
    // A broken one only costs another search.
    if ((errnoOf(error) ?? 'ENOENT') !== 'ENOENT') throw error
    return new Set()
  }
}

export async function addSearched(dataDir: string, paths: readonly string[]): Promise<void> {
  const all = [...new Set([...(await readSearched(dataDir)), ...paths])].sort()
  await makeKeptFolder(dataDir)
  await writeFileAtomically(searchedFile(dataDir), JSON.stringify({ format: 1, paths: all }))
}
