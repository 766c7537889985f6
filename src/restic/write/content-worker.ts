import { serveThread } from '../../lib/thread.ts'
import { Chunker } from '../codec/chunker.ts'
import { BlobMaker } from './blob-maker.ts'
import type { ContentJob, ContentStart, DoneMessage, SmallFilesJob } from './content-messages.ts'
import { CHUNKER_BUFFER_BYTES, type FilePieces, readPieces } from './file-pieces.ts'

// The code of a thread of content-pool.ts: receives content, sends blobs.
serveThread<ContentStart, ContentJob>((work) => {
  const maker = new BlobMaker(work)
  const chunker = new Chunker(work.start.polynomial, CHUNKER_BUFFER_BYTES)
  return (job) => {
    const pieces = job.kind === 'file' ? readPieces(job, chunker, maker) : smallPieces(job, maker)
    const memory = job.kind === 'small' ? { memory: job.data } : {}
    const done: DoneMessage = { kind: 'done', ...pieces, ...memory }
    work.send(done, done.memory ? [done.memory.buffer] : [])
  }
})

function smallPieces({ data, lengths }: SmallFilesJob, maker: BlobMaker): FilePieces {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return Buffer.from(data.buffer, data.byteOffset + at - length, length)
  })
  return { ids: maker.putSmall(pieces), fault: undefined }
}
