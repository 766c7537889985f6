import { parentPort, workerData } from 'node:worker_threads'
import { release } from '../../../lib/release.ts'
import { Chunker } from '../codec/chunker.ts'
import { BlobMaker } from './blob-maker.ts'
import type { ContentJob, DoneMessage, SmallFilesJob, WorkerStart } from './content-messages.ts'
import { type FilePieces, ROOM, readPieces } from './file-pieces.ts'

// A thread of write/content-pool.ts: content comes in, blobs go out.
if (!parentPort) throw new Error('this file is the entry of a thread')
const port = parentPort
const start = workerData as WorkerStart
const key = {
  encrypt: Buffer.from(start.key.encrypt),
  macK: Buffer.from(start.key.macK),
  macR: Buffer.from(start.key.macR),
}
const maker = new BlobMaker(port, { key, answers: start.answers })
const chunker = new Chunker(start.polynomial, ROOM)

port.on('message', (job: ContentJob) => {
  const { ids, fault } = job.kind === 'file' ? readPieces(job, chunker, maker) : smallPieces(job)
  const done: DoneMessage = { kind: 'done', ids, fault }
  port.postMessage(done)
})

function smallPieces({ data, lengths }: SmallFilesJob): FilePieces {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return Buffer.from(data.buffer, data.byteOffset + at - length, length)
  })
  const ids = maker.put(pieces)
  release(Buffer.from(data.buffer))
  return { ids, fault: undefined }
}
