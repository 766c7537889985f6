import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { publishFile } from '../../../src/objects/drivers/publish-file.ts'
import { tempDir } from '../../support/temp-dir.ts'

it('moves a file to a free name, and replaces no other', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  writeFileSync(from, 'new')
  await publishFile(from, to)
  expect([existsSync(from), readFileSync(to, 'utf8')]).toEqual([false, 'new'])
  writeFileSync(from, 'newer')
  await expect(publishFile(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
  expect([readFileSync(from, 'utf8'), readFileSync(to, 'utf8')]).toEqual(['newer', 'new'])
})

/** A directory: what the kernel gives no second name (EPERM), as a file on a file system without hard links. */
it('renames a file that cannot have a second name, without replacing another', async () => {
  const dir = tempDir()
  const [from, to] = [join(dir, 'from'), join(dir, 'to')]
  mkdirSync(from)
  await publishFile(from, to)
  expect([existsSync(from), existsSync(to)]).toEqual([false, true])
  mkdirSync(from)
  await expect(publishFile(from, to)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(existsSync(from)).toBe(true)
})
