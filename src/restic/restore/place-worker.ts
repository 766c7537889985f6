import { release } from '../../lib/release.ts'
import { serveThread } from '../../lib/thread.ts'
import { type RepositoryKey, receiveKey } from '../codec/crypt.ts'
import { placeRun, type SealedRun } from './place-run.ts'

/** The code of a thread of place-pool.ts: decrypts and writes blobs, and answers each run with its failures. */
serveThread<RepositoryKey, { task: number; run: SealedRun }>(({ start, send }) => {
  const key = receiveKey(start)
  return ({ task, run }) => {
    const placed = placeRun(key, run)
    release(Buffer.from(run.bytes.buffer))
    send({ task, placed })
  }
})
