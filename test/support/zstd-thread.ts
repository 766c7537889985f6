import { zstdCompressSync } from 'node:zlib'
import { serveThread } from '../../src/lib/thread.ts'

// The entry of a thread that makes one zstd context after the other, from its first message on, and never returns.
const PLAIN = Buffer.alloc(100, 'abc')

serveThread<null, 'begin'>(({ throwIfEnding, send }) => () => {
  send('begun')
  for (;;) {
    throwIfEnding()
    zstdCompressSync(PLAIN)
  }
})
