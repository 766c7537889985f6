import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Pin, pinIfCached, unpin } from '../../../src/volume/tree/pin.ts'
import { MAX_SMALL_FILE_BYTES, readCachedFile } from '../../../src/volume/tree/read-cached.ts'
import { toTreeEntry } from '../../../src/volume/tree/stat-entry.ts'
import { type OpenVolume, openVolume } from '../../../src/volume/tree/volume.ts'

/** A small file in the kernel's memory; its content by readCachedFile, if that reads it. */
async function makeCached(content = 'as it was') {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-cached-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'file')
  writeFileSync(path, content)
  readFileSync(path)
  const volume = await openVolume(dir)
  onTestFinished(() => volume[Symbol.dispose]())
  const pin = pinIfCached(volume.pin, Buffer.from('file'), volume.kernel)
  if (pin) onTestFinished(() => unpin(pin))
  const read = (change: Partial<OpenVolume> = {}, pinChange: Partial<Pin> = {}) => {
    if (!pin) return undefined
    const changed = { fd: pin.fd, place: pin.place, cached: pin.cached, stat: pin.stat, ...pinChange }
    const entry = toTreeEntry('file', pin.stat, Buffer.from('file'))
    return readCachedFile(Object.assign(Object.create(volume), change), entry, changed)?.toString()
  }
  return { path, read }
}

/** Whether this machine can read without waiting at all. */
async function canReadCached(): Promise<boolean> {
  return (await makeCached()).read() === 'as it was'
}

test('a file that changed since it was pinned is not read from memory, whatever its size', async ({
  skip,
}) => {
  if (!(await canReadCached())) skip('the kernel reads nothing without waiting here')
  for (const change of [
    (path: string) => writeFileSync(path, 'as it is!'),
    (path: string) => appendFileSync(path, ' and more'),
    (path: string) => chmodSync(path, 0o640),
  ]) {
    const { path, read } = await makeCached()
    expect(read()).toBe('as it was')
    // The clock that stamps files ticks every few milliseconds.
    await expect
      .poll(() => {
        change(path)
        return read()
      })
      .toBeUndefined()
  }
})

test('a file with unsettled writes, of unknown size or too large is read normally', async ({ skip }) => {
  if (!(await canReadCached())) skip('the kernel reads nothing without waiting here')
  const { read } = await makeCached()
  expect(read({ beganNs: 2n ** 62n })).toBe('as it was')
  expect(read({ beganNs: 0n })).toBeUndefined()
  expect(read({ hasTrueSizes: false })).toBeUndefined()
  expect(read({ kernel: undefined })).toBeUndefined()
  expect(read({}, { cached: false })).toBeUndefined()
  const limit = await makeCached('x'.repeat(MAX_SMALL_FILE_BYTES))
  expect(limit.read()).toHaveLength(MAX_SMALL_FILE_BYTES)
  expect((await makeCached('x'.repeat(MAX_SMALL_FILE_BYTES + 1))).read()).toBeUndefined()
})
