import { expect, test } from 'vitest'
import { readBackupPath } from '../../src/daemon/handlers/names.ts'
import { trimEndSlashes, trimSlashes } from '../../src/lib/trim-slashes.ts'
import { listFolder } from '../../src/store/kinds/archive/list-folder.ts'
import { splitBackupPath } from '../../src/store/layout.ts'
import { checkVolumePath } from '../../src/volume/allowed-paths.ts'
import { chosenFiles } from '../../src/volume/tree/chosen-paths.ts'

/** As many as fit into the body of a request. */
const SLASHES = '/'.repeat(500_000)
const BACKUP = 'hello-hello.web.web-1-data-1700000000.tar.gz'

test('slashes are removed at the ends only', () => {
  const paths = ['', '/', '//', 'a', '/a', 'a/', '//a//b//']
  expect(paths.map(trimEndSlashes)).toEqual(['', '', '', 'a', '/a', 'a', '//a//b'])
  expect(paths.map(trimSlashes)).toEqual(['', '', '', 'a', 'a', 'a', 'a//b'])
})

// With a regular expression each of these takes minutes.
test('a path of half a million slashes is refused in no time', async () => {
  const start = performance.now()
  expect(() => readBackupPath(`${BACKUP}/${SLASHES}x`)).toThrow('leads out')
  expect(() => splitBackupPath(`${BACKUP}/${SLASHES}x`)).toThrow('leads out')
  expect(() => checkVolumePath(`/a${SLASHES}x`)).toThrow('is not the path of a volume')
  expect(() => chosenFiles([`a${SLASHES}x`])).toThrow('is not a path in a backup')
  const none = (async function* () {})()
  const listing = listFolder(none, { path: `a${SLASHES}x`, after: '', limit: 1 })
  await expect(listing).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(performance.now() - start).toBeLessThan(5000)
})
