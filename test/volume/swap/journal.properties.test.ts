import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openFolder } from '../../../src/volume/swap/folder.ts'
import {
  type Child,
  commitJournal,
  type JournalHeader,
  readChildren,
  readJournal,
  uncommitJournal,
  writeJournal,
} from '../../../src/volume/swap/journal.ts'
import { collect } from '../../support/collect.ts'
import { extremeName, extremeTime } from '../../support/extreme-entries.ts'

const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const child: fc.Arbitrary<Child> = fc.record({
  side: fc.constantFrom('old', 'new'),
  name: extremeName,
  device: number,
  inode: number,
})
const base64 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const root = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
  mtimeNs: extremeTime.map(String),
  xattrs: fc.array(fc.record({ name: base64, value: base64 }), { maxLength: 3 }),
  flags: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
})
const text = fc.string({ unit: 'binary' })
const header: fc.Arbitrary<JournalHeader> = fc.record({
  format: fc.constant(1 as const),
  rid: text,
  volume: text,
  nonce: text,
  device: number.map(String),
  inode: number.map(String),
  before: root,
  after: root,
})

/** A staging folder with a journal of this content, for as long as `act` takes. */
async function withJournal(
  content: { header: JournalHeader; children: Child[] },
  act: (staging: Awaited<ReturnType<typeof openFolder>>, file: string) => Promise<void>,
): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'backupd-journal-'))
  try {
    await using staging = await openFolder(path)
    await writeJournal(staging, content.header, streamOf(content.children))
    await act(staging, join(path, 'journal'))
  } finally {
    rmSync(path, { recursive: true })
  }
}

async function* streamOf(children: Child[]) {
  yield* children
}

const content = fc.record({ header, children: fc.array(child, { maxLength: 30 }) })

test('a commit mark counts only after the seal', async () => {
  await fc.assert(
    fc.asyncProperty(content, (written) =>
      withJournal(written, async (staging, file) => {
        const sealed = readFileSync(file, 'utf8')
        const unsealed = sealed.slice(0, -'["sealed"]\n'.length)
        writeFileSync(file, `${unsealed}["committed"]\n`)
        expect(await readJournal(staging)).toMatchObject({ sealed: false, committed: false })
        appendFileSync(file, '["sealed"]\n')
        expect(await readJournal(staging)).toMatchObject({ sealed: true, committed: false })
        await commitJournal(staging)
        expect(await readJournal(staging)).toMatchObject({ sealed: true, committed: true })
      }),
    ),
    { numRuns: 10 },
  )
})

test('a journal of any names and numbers is read back the same', async () => {
  await fc.assert(
    fc.asyncProperty(content, (written) =>
      withJournal(written, async (staging) => {
        expect(await readJournal(staging)).toMatchObject({
          header: written.header,
          sealed: true,
          committed: false,
        })
        for (const side of ['old', 'new'] as const) {
          const expected = written.children.filter((one) => one.side === side)
          expect(await collect(readChildren(staging, side))).toEqual(expected)
        }
        await commitJournal(staging)
        const committed = await readJournal(staging)
        expect(committed.committed).toBe(true)
        await uncommitJournal(staging, committed)
        expect((await readJournal(staging)).committed).toBe(false)
      }),
    ),
    { numRuns: 60 },
  )
})

test('the rest of a truncated journal is neither sealed nor committed', async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (written, part) =>
        withJournal(written, async (staging, file) => {
          const whole = readFileSync(file)
          truncateSync(file, Math.floor(whole.length * part))
          const read = await readJournal(staging).catch(() => undefined)
          if (read) expect(read).toMatchObject({ header: written.header, sealed: false, committed: false })
          if (read)
            expect((await collect(readChildren(staging, 'old'))).length).toBeLessThanOrEqual(
              written.children.length,
            )
          appendFileSync(file, '["committed"]\n')
          const marked = await readJournal(staging).catch(() => undefined)
          expect(marked?.committed ?? false).toBe(false)
        }),
    ),
    { numRuns: 60 },
  )
})
