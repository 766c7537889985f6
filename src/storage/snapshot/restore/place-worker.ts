import { parentPort, workerData } from 'node:worker_threads'
import { release } from '../../../lib/release.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { placeRun, type SealedRun } from './place-run.ts'

/** A thread that opens sealed blobs and writes what is in them. Gets runs, answers each with what did not go well. */
const raw = workerData as RepositoryKey
const key: RepositoryKey = {
  encrypt: Buffer.from(raw.encrypt),
  macK: Buffer.from(raw.macK),
  macR: Buffer.from(raw.macR),
}

parentPort?.on('message', ({ task, run }: { task: number; run: SealedRun }) => {
  const placed = placeRun(key, run)
  release(Buffer.from(run.bytes.buffer))
  parentPort?.postMessage({ task, placed })
})
