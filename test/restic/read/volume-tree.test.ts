import { describe, expect, it } from 'vitest'
import { findFolderTree, findNode, volumeTree } from '../../../src/restic/read/volume-tree.ts'
import { MemoryTrees } from '../../support/memory-trees.ts'

const content = { a: 'x', db: { deep: 'y' } }

describe('a volume in a snapshot', () => {
  const trees = new MemoryTrees()
  const inside = trees.add(content)

  it.each([
    ['by its whole path', { srv: { shop: { db: content } }, other: 'x' }],
    ['that restic was given as db', { db: content }],
    ['that restic was given as ../shop/db', { shop: { db: content } }],
  ])('%s', async (_, top) => {
    const found = await volumeTree(trees, { tree: trees.add(top), paths: ['/srv/shop/db'] })
    expect(found.tree).toEqual(inside)
    expect(found.root).toMatchObject({ type: 'directory', path: Buffer.alloc(0), mode: 0o755 })
  })

  it('backed up by restic as . has no metadata of its own', async () => {
    expect(await volumeTree(trees, { tree: inside, paths: ['/srv/shop/db'] })).toEqual({
      tree: inside,
      root: null,
    })
  })

  it('that is the whole machine is found', async () => {
    expect(await volumeTree(trees, { tree: inside, paths: ['/'] })).toEqual({ tree: inside, root: null })
  })

  it('is found among several, and below another one', async () => {
    const tree = trees.add({ srv: { shop: { db: content } }, etc: { a: '1' } })
    expect((await volumeTree(trees, { tree, paths: ['/etc', '/srv'] }, '/srv/shop/db')).tree).toEqual(inside)
  })

  it.each(['/srv/none', '/etc/a', '/srv/../etc'])(
    'that does not contain it is reported: %s',
    async (path) => {
      const tree = trees.add({ srv: { shop: content }, etc: { a: '1' } })
      await expect(volumeTree(trees, { tree, paths: ['/srv', '/etc'] }, path)).rejects.toThrow(
        expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining(path) }),
      )
    },
  )
})

describe('a path in a volume', () => {
  const trees = new MemoryTrees()
  const volume = { tree: trees.add({ dir: { 'f\xff': 'x', sub: {} }, file: 'y' }), root: null }

  it('is found by its bytes', async () => {
    const path = Buffer.from('dir/f\xff', 'latin1')
    expect((await findNode(trees, volume, path))?.entry.path).toEqual(path)
    expect(await findNode(trees, volume, Buffer.from('dir/none'))).toBeUndefined()
    expect(await findNode(trees, volume, Buffer.from('file/below'))).toBeUndefined()
    expect(await findNode(trees, volume, Buffer.from('dir/../file'))).toBeUndefined()
  })

  it('must be a directory, or is refused', async () => {
    expect(await findFolderTree(trees, volume, Buffer.from('/'))).toEqual(volume.tree)
    await expect(findFolderTree(trees, volume, Buffer.from('file'))).rejects.toThrow(
      '"file" is a file, not a directory',
    )
    await expect(findFolderTree(trees, volume, Buffer.from('none'))).rejects.toThrow('"none" does not exist')
  })
})
