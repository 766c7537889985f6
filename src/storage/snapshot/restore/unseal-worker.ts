import { parentPort, workerData } from 'node:worker_threads'
import { release } from '../../archive/gzip-member.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import { openRun, type SealedRun } from './open-run.ts'

/** A thread that opens sealed blobs. Gets runs, answers each with what it opened. */
const raw = workerData as RepositoryKey
const key: RepositoryKey = {
  encrypt: Buffer.from(raw.encrypt),
  macK: Buffer.from(raw.macK),
  macR: Buffer.from(raw.macR),
}

parentPort?.on('message', ({ task, run }: { task: number; run: SealedRun }) => {
  const opened = openRun(key, run)
  release(Buffer.from(run.bytes.buffer))
  parentPort?.postMessage({ task, opened }, [opened.plain.buffer as ArrayBuffer])
})
