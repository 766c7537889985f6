import { z } from 'zod'
import { messageOf } from '../../lib/errors.ts'
import type { BlobIndex, IndexedBlob } from './blob-index.ts'
import { IndexPieces, type IndexReader } from './index-pieces.ts'
import { checkRow, type IndexRow, rowJson, scanUsualRow } from './index-row.ts'
import { isId, unpackedName } from './layout.ts'
import type { Repository } from './repository.ts'
import { repositoryDamaged } from './repository-errors.ts'
import { readUnpacked, unpackedPieces } from './unpacked.ts'

const id = z.string().refine(isId, 'not an id of 64 hex digits')
const packSchema = z.object({ id })
/** `supersedes`: index files whose content this one has; they are read too if they still exist. */
const restSchema = z.object({ supersedes: z.array(id).nullish(), packs: z.array(z.never()).nullish() })

/**
 * Adds the content of an index file to `index`; resolves with the numbers of its packs. Throws REPOSITORY_DAMAGED, and
 * NOT_FOUND if the file is gone.
 */
export async function readIndexFile(
  repository: Pick<Repository, 'place' | 'key'>,
  fileId: string,
  index: BlobIndex,
): Promise<Uint32Array> {
  const packs: number[] = []
  await readPacks(repository, fileId, (id, rows) => {
    const pack = index.internPack(id)
    packs.push(pack)
    for (const row of rows) index.add(toIndexedBlob(pack, row))
  })
  return Uint32Array.from(packs)
}

/** Calls `onPack` with each pack of an index file. Throws like readIndexFile. */
export async function readPacks(
  repository: Pick<Repository, 'place' | 'key'>,
  fileId: string,
  onPack: (id: string, rows: IndexRow[]) => void,
): Promise<void> {
  const name = unpackedName(repository.place, 'index', fileId)
  const sealed = await readUnpacked(repository.place, 'index', fileId)
  const pieces = new IndexPieces(createReader(onPack))
  try {
    for await (const piece of unpackedPieces(repository.key, name, sealed)) pieces.push(piece)
    pieces.end()
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof z.ZodError) {
      throw repositoryDamaged(name, `it is not an index (${messageOf(cause)})`, cause)
    }
    throw cause
  }
}

function createReader(onPack: (id: string, rows: IndexRow[]) => void): IndexReader {
  let rows: IndexRow[] = []
  return {
    blobAt(chunk, at) {
      const usual = scanUsualRow(chunk, at)
      if (usual) rows.push(usual.row)
      return usual?.end
    },
    blob: (json) => void rows.push(checkRow(JSON.parse(json))),
    pack(json) {
      onPack(packSchema.parse(JSON.parse(json)).id, rows)
      rows = []
    },
    rest: (json) => void restSchema.parse(JSON.parse(json)),
  }
}

export function toIndexedBlob(pack: number, row: IndexRow): IndexedBlob {
  const { type, id, offset, length, compressed, plainLength } = row
  return { type, id, pack, offset, length, plainLength: compressed ? plainLength : 0 }
}

/** Encodes packs with their blobs as the JSON of an index file. */
export function indexJson(packs: Iterable<{ id: string; rows: readonly IndexRow[] }>): Buffer {
  const texts: string[] = []
  for (const { id, rows } of packs) texts.push(`{"id":"${id}","blobs":[${rows.map(rowJson).join(',')}]}`)
  return Buffer.from(`{"packs":[${texts.join(',')}]}\n`)
}
