import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hasNoRoomBeside } from '../../src/lib/room-probe.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { tempDir } from '../support/temp-dir.ts'

itMounts('a full file system is told from one with room, and nothing is left on either', async () => {
  const { dir } = smallFileSystem(256)
  const file = join(dir, 'catalog.db')
  expect(hasNoRoomBeside(file)).toBe(false)
  expect(readdirSync(dir)).toEqual([])
  writeFileSync(join(dir, 'fill'), Buffer.alloc(224 * 1024))
  expect(hasNoRoomBeside(file)).toBe(true)
  expect(readdirSync(dir)).toEqual(['fill'])
})

test('a file system that cannot be probed does not count as full', () => {
  const dir = tempDir()
  expect(hasNoRoomBeside(join(dir, 'gone/catalog.db'))).toBe(false)
})
