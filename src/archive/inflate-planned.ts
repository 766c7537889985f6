import { release } from '../lib/release.ts'
import type { ObjectReader } from '../objects/driver.ts'
import { corrupt } from './archive-fault.ts'
import { inflateMember, MEMBERS_AHEAD } from './gunzip-archive.ts'
import type { PlannedMember } from './plan-chosen.ts'
import { BLOCK_SIZE } from './tar-header.ts'

/** Two blocks of zeros end a tar stream. */
const END_MARK_BYTES = 2 * BLOCK_SIZE

/**
 * Inflates the planned stretches of an archive, one after the other, as a tar stream of their own. Reads nothing else. Each
 * buffer is valid until the next one is requested. Throws zlib's errors, and a corrupt ArchiveFault.
 */
export async function* inflatePlanned(
  archive: ObjectReader,
  members: readonly PlannedMember[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const ahead: { member: PlannedMember; content: Promise<Buffer> }[] = []
  try {
    for (const member of members) {
      signal.throwIfAborted()
      ahead.push({ member, content: inflateMember(await readMember(archive, member)) })
      if (ahead.length > MEMBERS_AHEAD) yield* cutOut(ahead.shift())
    }
    while (ahead.length > 0) yield* cutOut(ahead.shift())
  } finally {
    await Promise.allSettled(ahead.map(({ content }) => content))
  }
  yield Buffer.alloc(END_MARK_BYTES)
}

async function readMember(archive: ObjectReader, { at, bytes }: PlannedMember): Promise<Buffer> {
  const member = await archive.read(at, bytes)
  if (member.length === bytes) return member
  throw corrupt('it ends too early')
}

/** Frees the memory of the member when the buffer after its last one is requested. */
async function* cutOut(next?: { member: PlannedMember; content: Promise<Buffer> }): AsyncGenerator<Buffer> {
  if (!next) return
  const { plainBytes, cuts } = next.member
  const content = await next.content
  if (content.length !== plainBytes)
    throw corrupt(`a member inflates to ${content.length} bytes, expected ${plainBytes}`)
  for (const { from, end } of cuts) yield content.subarray(from, end)
  release(content)
}
