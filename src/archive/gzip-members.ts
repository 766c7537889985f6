import { createHash } from 'node:crypto'
import { release } from '../lib/release.ts'
import type { ByteSink } from '../objects/driver.ts'
import { makeGzipMember } from './gzip-member.ts'

export interface GzipMembersOptions {
  out: ByteSink
  /** Bytes of content in each member. */
  blockSize: number
  /** The number of blocks in memory, each being filled, compressed or written; at least 2. */
  blocks: number
  /** Called after a member is written, with its size and the size of its content, in bytes. */
  onMember?(bytes: number, plainBytes: number): void
}

export interface GzipSummary {
  /** Bytes written. */
  size: number
  sha256: string
  members: number
  plainBytes: number
}

/**
 * Writes a gzip file of independent members, which are compressed in parallel and written in order. If a call returns a
 * promise, await it: all blocks are in use, or one could not be written.
 */
export interface GzipMembers {
  /** Bytes of content so far. */
  readonly position: number
  /** The free part of the current block, never empty: fill it from its start, then call `filled`. */
  space(): Buffer
  filled(bytes: number): Promise<void> | undefined
  append(bytes: Buffer): Promise<void> | undefined
  /** Resolves when everything is compressed and written; does not close the writer. */
  end(): Promise<GzipSummary>
}

export function createGzipMembers(options: GzipMembersOptions): GzipMembers {
  const queue = createMemberQueue(options)
  let block: Buffer = Buffer.allocUnsafeSlow(options.blockSize)
  let used = 0
  let done = 0
  const full = async (): Promise<void> => {
    const next = queue.add(block, used)
    done += used
    used = 0
    block = (await next) ?? Buffer.allocUnsafeSlow(options.blockSize)
  }
  const filled = (bytes: number): Promise<void> | undefined => {
    used += bytes
    return used === block.length ? full() : undefined
  }
  return {
    get position() {
      return done + used
    },
    space: () => block.subarray(used),
    filled,
    append(bytes) {
      if (bytes.length > block.length - used) return appendLong(this, bytes)
      block.set(bytes, used)
      return filled(bytes.length)
    },
    async end() {
      if (used > 0) await full()
      return await queue.end()
    },
  }
}

async function appendLong(members: GzipMembers, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const count = bytes.copy(members.space(), 0, at)
    at += count
    await members.filled(count)
  }
}

/** Compresses blocks in parallel, and writes them one after the other. */
function createMemberQueue({ out, blocks, onMember }: GzipMembersOptions) {
  const waiting: Promise<Buffer>[] = []
  const hash = createHash('sha256')
  const summary = { size: 0, members: 0, plainBytes: 0 }
  let last: Promise<unknown> = Promise.resolve()

  const write = async (block: Buffer, plainBytes: number, before: Promise<unknown>) => {
    const [member] = await Promise.all([makeGzipMember(block.subarray(0, plainBytes)), before])
    await out.write(member)
    hash.update(member)
    const { length } = member
    release(member)
    summary.size += length
    summary.members++
    summary.plainBytes += plainBytes
    onMember?.(length, plainBytes)
    return block
  }
  return {
    /** Adds a full block. Resolves with a free one, or undefined if another one may be allocated. */
    add(block: Buffer, bytes: number): Promise<Buffer | undefined> {
      const written = write(block, bytes, last)
      written.catch(() => {})
      last = written
      waiting.push(written)
      return waiting.length < blocks ? Promise.resolve(undefined) : (waiting.shift() as Promise<Buffer>)
    },
    async end(): Promise<GzipSummary> {
      await last
      return { ...summary, sha256: hash.digest('hex') }
    },
  }
}
