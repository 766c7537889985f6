import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import promises, { lstat } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { publishFile } from '../../../src/objects/drivers/publish-file.ts'
import { tempDir } from '../../support/temp-dir.ts'

async function publish(from: string, to: string): Promise<void> {
  await publishFile(from, to, await lstat(from, { bigint: true }))
}

it('moves a file to a free name, and replaces no other', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  writeFileSync(from, 'new')
  await publish(from, to)
  expect([existsSync(from), readFileSync(to, 'utf8')]).toEqual([false, 'new'])
  writeFileSync(from, 'newer')
  await expect(publish(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
  expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['newer', 'new'])
})

/** A directory: what the kernel gives no second name (EPERM), as a file on a file system without hard links. */
it('renames a file that cannot have a second name, without replacing another', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  mkdirSync(from)
  await publish(from, to)
  expect([existsSync(from), existsSync(to)]).toEqual([false, true])
  mkdirSync(from)
  await expect(publish(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(existsSync(from)).toBe(true)
})

it('takes a file that has the name already for published, if it is the same', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  writeFileSync(from, 'new')
  linkSync(from, to)
  await publish(from, to)
  expect([existsSync(from), readFileSync(to, 'utf8')]).toEqual([false, 'new'])
})

it.each(['link', 'rename'] as const)('is done although the answer to its %s was lost', async (call) => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  writeFileSync(from, 'new')
  const { link, rename } = promises
  const lost = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
  const act = call === 'link' ? link : rename
  const noLinks = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }))
  if (call === 'rename') vi.spyOn(promises, 'link').mockImplementation(noLinks)
  vi.spyOn(promises, call).mockImplementation(async (...names) => {
    await act(...names)
    throw lost
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
  await publish(from, to)
  expect([existsSync(from), readFileSync(to, 'utf8')]).toEqual([false, 'new'])
})

describe('on a file system without hard links', () => {
  function withoutLinks() {
    const [from, to] = ['from', 'to'].map((name) => join(tempDir(), name)) as [string, string]
    writeFileSync(from, 'ours')
    vi.spyOn(promises, 'link').mockRejectedValue(Object.assign(new Error('EPERM'), { code: 'EPERM' }))
    syncBuiltinESMExports()
    onTestFinished(() => {
      vi.restoreAllMocks()
      syncBuiltinESMExports()
    })
    return { from, to }
  }

  it('replaces no other file', async () => {
    const { from, to } = withoutLinks()
    writeFileSync(to, 'them')
    await expect(publish(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
    expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['ours', 'them'])
  })

  it('renames nothing if it cannot tell whether the name is in use', async () => {
    const { from, to } = withoutLinks()
    writeFileSync(to, 'them')
    const file = await lstat(from, { bigint: true })
    vi.spyOn(promises, 'lstat').mockRejectedValue(Object.assign(new Error('EIO'), { code: 'EIO' }))
    syncBuiltinESMExports()
    await expect(publishFile(from, to, file)).rejects.toMatchObject({ code: 'EIO' })
    expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['ours', 'them'])
  })
})

it('fails if another file of the same size has the name', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  writeFileSync(from, 'ours')
  writeFileSync(to, 'them')
  await expect(publish(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
})
