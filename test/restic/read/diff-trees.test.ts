import { describe, expect, it } from 'vitest'
import { diffPage, diffTrees } from '../../../src/restic/read/diff-trees.ts'
import { fileHistory } from '../../../src/restic/read/file-history.ts'
import { MemoryTrees, type Tree } from '../../support/memory-trees.ts'

const trees = new MemoryTrees()
const { signal } = new AbortController()

async function diff(before: Tree, after: Tree): Promise<string[]> {
  const found: string[] = []
  const both = { before: trees.add(before), after: trees.add(after) }
  for await (const { change, path } of diffTrees(trees, both, { signal })) {
    found.push(`${change} ${path.toString('latin1')}`)
  }
  return found
}

describe('the difference between two trees', () => {
  it('is empty if they are equal, and nothing is read', async () => {
    trees.reads = []
    expect(await diff({ a: 'x', d: { e: 'f' } }, { a: 'x', d: { e: 'f' } })).toEqual([])
    expect(trees.reads).toEqual([])
  })

  it('is found in trees deeper than the stack', async () => {
    const [before, after] = ['old', 'other'].map((leaf) => trees.addBelow(trees.add({ leaf }), 5000))
    if (!before || !after) throw new Error('no trees')
    const { differences } = await diffPage(trees, { before, after }, { signal, limit: 2 })
    expect(differences).toMatchObject([{ change: 'content', path: Buffer.from(`${'d/'.repeat(5000)}leaf`) }])
  })

  it('names what was added, removed and changed, each directory before its content', async () => {
    const before = {
      a: '1',
      b: '2',
      'd-': 'x',
      d: { same: 's', x: '1', gone: { deep: '1' } },
      same: { big: 'x' },
    }
    const after = { a: '1', c: '3', 'd-': 'y', d: { same: 's', x: '2', new: {} }, same: { big: 'x' } }
    trees.reads = []
    expect(await diff(before, after)).toEqual([
      ...['removed b', 'added c', 'removed d/gone', 'removed d/gone/deep', 'added d/new', 'content d/x'],
      'content d-',
    ])
    expect(trees.reads).not.toContain(trees.add({ big: 'x' }).toString('hex'))
  })

  it.each<[string, Tree[string], Tree[string], string[]]>([
    ['a mode', 'x', ['x', { mode: 0o600 }], ['metadata f']],
    ['an owner', 'x', ['x', { gid: 5 }], ['metadata f']],
    ['a time', 'x', ['x', { mtimeNs: 1n }], ['metadata f']],
    ['only the inode', 'x', ['x', { inode: 99n, ctimeNs: 3n, links: 2 }], []],
    [
      'an attribute',
      'x',
      ['x', { xattrs: [{ name: Buffer.from('user.a'), value: Buffer.from('b') }] }],
      ['metadata f'],
    ],
    [
      'the target of a link',
      ['', { type: 'symlink', linkTarget: Buffer.from('a') }],
      ['', { type: 'symlink', linkTarget: Buffer.from('b') }],
      ['content f'],
    ],
    [
      'a device',
      ['', { type: 'chardev', major: 1, minor: 3 }],
      ['', { type: 'chardev', major: 1, minor: 5 }],
      ['content f'],
    ],
    ['the type', ['', { type: 'fifo' }], '', ['type f']],
    ['a file that is a directory now', 'x', { in: 'y' }, ['type f', 'added f/in']],
    [
      'a directory that is a file now',
      { in: { it: 'y' } },
      'x',
      ['type f', 'removed f/in', 'removed f/in/it'],
    ],
  ])('reports %s', async (_, before, after, expected) => {
    expect(await diff({ f: before }, { f: after })).toEqual(expected)
  })

  it('comes in pages', async () => {
    const both = {
      before: trees.add({ a: { x: '1', y: '2' }, 'a-': 'z', b: { c: { d: '1' } } }),
      after: trees.add({ a: { x: '2', y: '3' }, 'a-': 'q', b: 'file' }),
    }
    const whole = await diffPage(trees, both, { signal, limit: 100 })
    expect(whole.differences.map(({ path }) => path.toString())).toEqual([
      'a/x',
      'a/y',
      'a-',
      'b',
      'b/c',
      'b/c/d',
    ])
    expect(whole.next).toBeNull()
    for (const limit of [1, 2, 4]) {
      const paths: string[] = []
      for (let after: Buffer | null = Buffer.alloc(0); after; ) {
        const page: Awaited<ReturnType<typeof diffPage>> = await diffPage(trees, both, {
          signal,
          limit,
          after,
        })
        paths.push(...page.differences.map(({ path }) => path.toString()))
        after = page.next
      }
      expect(paths).toEqual(whole.differences.map(({ path }) => path.toString()))
    }
  })

  it('stops when it is cancelled', async () => {
    const both = { before: trees.add({ a: '1' }), after: trees.add({ a: '2' }) }
    const cancelled = AbortSignal.abort(new Error('enough'))
    await expect(diffPage(trees, both, { signal: cancelled, limit: 1 })).rejects.toThrow('enough')
  })
})

describe('the history of a file', () => {
  it('names the snapshots that have it, and those in which it changed', async () => {
    const states: Tree[] = [
      { other: '1' },
      { d: { f: '1' } },
      { d: { f: '1' }, other: '1' },
      { d: { f: ['1', { mode: 0o600 }] } },
      { d: { f: '22' } },
      { d: { f: {} } },
      { d: 'file' },
      { d: { f: '22' } },
    ]
    const points = states.map((tree, n) => ({
      id: `${n}`,
      snapshot: { tree: trees.add({ v: tree }), paths: ['/v'] },
    }))
    trees.reads = []
    const found: unknown[] = []
    for await (const { change, entry } of fileHistory(trees, points, Buffer.from('d/f'))) {
      found.push([change, entry && entry.type === 'file' ? entry.size : (entry?.type ?? null)])
    }
    expect(found).toEqual([
      ...[
        [null, null],
        ['added', 1],
        [null, 1],
        ['metadata', 1],
        ['content', 2],
        ['type', 'directory'],
      ],
      ...[
        ['removed', null],
        ['added', 2],
      ],
    ])
    expect(trees.reads.filter((id) => id === trees.add({ f: '1' }).toString('hex'))).toHaveLength(1)
  })
})
