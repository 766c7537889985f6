import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readProcText } from '../../../src/volume/swap/foreign-proc.ts'
import { tempDir } from '../../support/temp-dir.ts'

test('files that a process can make arbitrarily large are read up to a limit', async () => {
  const file = join(tempDir(), 'maps')
  writeFileSync(file, '')
  truncateSync(file, 32 * 1024 * 1024)
  expect(await readProcText(file)).toHaveLength(32 * 1024 * 1024)
  truncateSync(file, 32 * 1024 * 1024 + 1)
  await expect(readProcText(file)).rejects.toMatchObject({ code: 'EFBIG' })
})

test('a file of /proc, which has size 0, is read completely', async () => {
  expect(await readProcText('/proc/self/mountinfo')).toBe(readFileSync('/proc/self/mountinfo', 'latin1'))
})
