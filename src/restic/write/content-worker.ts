import { release } from '../../lib/release.ts'
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
    const done: DoneMessage = { kind: 'done', ...pieces }
    work.send(done)
  }
})

function smallPieces({ data, lengths }: SmallFilesJob, maker: BlobMaker): FilePieces {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return Buffer.from(data.buffer, data.byteOffset + at - length, length)
  })
  const ids = maker.putSmall(pieces)
  release(Buffer.from(data.buffer))
  return { ids, fault: undefined }
}
