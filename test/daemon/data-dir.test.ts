import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataDir } from '../../src/daemon/data-dir.ts'
import { tempDir } from '../support/temp-dir.ts'

test('an unusable data directory is released for another start in the same process', async () => {
  const path = tempDir()
  writeFileSync(join(path, 'daemon-id'), 'no id')
  await expect(openDataDir(path)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  writeFileSync(join(path, 'daemon-id'), `${'0a'.repeat(16)}\n`)
  const opened = await openDataDir(path)
  expect(opened.daemonId).toBe('0a'.repeat(16))
  await expect(openDataDir(path)).rejects.toMatchObject({ code: 'CONFLICT' })
  opened.release()
})
