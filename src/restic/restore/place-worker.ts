import { release } from '../../lib/release.ts'
import { serveThread } from '../../lib/thread.ts'
import { type RepositoryKey, sentKey } from '../codec/crypt.ts'
import { placeRun, type SealedRun } from './place-run.ts'

/** A thread that opens sealed blobs and writes what is in them. Gets runs, answers each with what did not go well. */
serveThread<RepositoryKey, { task: number; run: SealedRun }>(({ start, send }) => {
  const key = sentKey(start)
  return ({ task, run }) => {
    const placed = placeRun(key, run)
    release(Buffer.from(run.bytes.buffer))
    send({ task, placed })
  }
})
