import { lstatSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closePinned, openPinned, type Pin } from '../../../src/volume/tree/pin.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** As on a system without O_PATH. */
function pinByPath(path: string): Pin {
  return { fd: -1, place: Buffer.from(path), cached: false, stat: lstatSync(path, { bigint: true }) }
}

test('a file that replaced a pinned one is not opened', async () => {
  const path = join(tempDir(), 'file')
  writeFileSync(path, 'seen')
  const pin = pinByPath(path)
  closePinned(pin, (await openPinned(pin)).fd)
  writeFileSync(`${path}.other`, 'other')
  renameSync(`${path}.other`, path)
  await expect(openPinned(pin)).rejects.toMatchObject({ errno: 116 })
})
