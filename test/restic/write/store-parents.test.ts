import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { treeBatches } from '../../../src/restic/read/tree-source.ts'
import { volumeTree } from '../../../src/restic/read/volume-tree.ts'
import { given } from '../../support/given.ts'
import { parentOf } from '../../support/repository-content.ts'

test.each(['a directory', 'a link', 'a file', 'nothing'])(
  'a volume whose path on its server leads through %s here is found by that path',
  async (what) => {
    const world = await given.repository()
    const way = join(world.dir, 'way')
    mkdirSync(join(world.dir, 'outside/db'), { recursive: true, mode: 0o711 })
    if (what === 'a directory') mkdirSync(way, { mode: 0o705 })
    if (what === 'a link') symlinkSync(join(world.dir, 'outside'), way)
    if (what === 'a file') writeFileSync(way, '')
    writeFileSync(join(world.volume, 'file'), 'content')
    const { repository } = world
    const sourcePath = join(way, 'db')
    const { snapshotId, faults } = await world.snapshot(repository, { sourcePath })
    expect(faults).toBe(0)
    const { snapshot } = await parentOf(repository, snapshotId)
    const { tree } = await volumeTree(repository, snapshot, sourcePath)
    const names: string[] = []
    for await (const nodes of treeBatches(repository, tree)) names.push(...nodes.map(({ name }) => `${name}`))
    expect(names).toEqual(['file'])
  },
)
