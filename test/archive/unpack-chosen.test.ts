import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chosenFiles } from '../../src/volume/tree/chosen-paths.ts'
import { archiveOf, directory, file, symlink } from '../support/tar-blocks.ts'
import { makeBench, unpack } from '../support/unpack-kit.ts'

test('on the way to a chosen file only directories are restored', async () => {
  using bench = makeBench('memory')
  const archive = archiveOf(
    directory('db/'),
    directory('db/way/'),
    file('db/way/chosen', 'content'),
    file('db/way/other', 'content'),
    symlink('db/link', 'way'),
  )
  const chosen = chosenFiles(['way/chosen', 'link/chosen'])
  await unpack(archive, bench.target, { chosen })
  expect(readdirSync(bench.target, { recursive: true }).sort()).toEqual(['way', 'way/chosen'])
})
