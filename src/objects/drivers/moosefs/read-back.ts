import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { BackupdError } from '../../../lib/errors.ts'
import type { UnnamedWriter } from '../../driver.ts'
import { readFully } from '../local-file.ts'
import { digestSample, type Sample, Samples } from './samples.ts'

const { O_DIRECT, O_NOFOLLOW, O_RDONLY } = constants

/** Wraps a writer so that sync() and commit() also check samples of what the chunk servers stored. */
export function provenWriter(
  writer: UnnamedWriter,
  prove: (samples: readonly Sample[]) => Promise<void>,
): UnnamedWriter {
  const samples = new Samples()
  let stored: Promise<number> | undefined
  const syncAndProve = async () => {
    const size = await writer.sync()
    await prove(samples.taken())
    return size
  }
  const sync = () => {
    stored ??= syncAndProve()
    return stored
  }
  return {
    async write(chunk) {
      await writer.write(chunk)
      samples.add(chunk)
    },
    sync,
    async commit(name) {
      await sync()
      await writer.commit(name)
    },
    abort: () => writer.abort(),
  }
}

/**
 * Reads samples of the object at `path` back from the chunk servers, bypassing this machine's page cache (O_DIRECT).
 * Throws STORE_UNAVAILABLE if one differs from what was written.
 */
export async function readBack(path: string, name: string, samples: readonly Sample[]): Promise<void> {
  if (samples.length === 0) return
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_DIRECT)
  try {
    for (const sample of samples) await compareSample(file, name, sample)
  } finally {
    await file.close()
  }
}

async function compareSample(
  file: FileHandle,
  name: string,
  { position, length, sha256 }: Sample,
): Promise<void> {
  const bytes = await readFully(file, position, length)
  if (bytes.length === length && digestSample(bytes) === sha256) return
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `"${name}" differs from what was written, at byte ${position}. Check the disks of MooseFS's chunk servers (mfscheckfile, mfsfileinfo)`,
    { facts: { object: name, position, length, got: bytes.length } },
  )
}
