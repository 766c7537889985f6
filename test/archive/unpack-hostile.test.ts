import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { archiveOf, directory, entry, file, hardLink, pax, symlink } from '../support/tar-blocks.ts'
import { type Bench, makeBench, refusalOf, unpack } from '../support/unpack-kit.ts'

/** A file beside the target that no archive may touch, and that links could lead to. */
function makeVictim(bench: Bench): string {
  mkdirSync(`${bench.path}/outside`)
  writeFileSync(`${bench.path}/outside/victim`, 'untouched')
  return `${bench.path}/outside/victim`
}

function longName(name: string): Buffer {
  return entry({ name: '././@LongLink', type: 'L', magic: 'gnu', body: `${name}\0` })
}

const attacks: [what: string, parts: (outside: string) => Buffer[], says: string][] = [
  [
    'an absolute name',
    () => [directory('db/'), file('/tmp/backupd-evil', 'x')],
    'the absolute name "/tmp/backupd-evil"',
  ],
  ['an absolute name as the first', () => [file('/db/a', 'x')], 'the absolute name "/db/a"'],
  [
    '..',
    () => [directory('db/'), file('db/../outside/victim', 'x')],
    'the name "db/../outside/victim", which leads up',
  ],
  ['.. in front', () => [file('../outside/victim', 'x')], 'leads up'],
  ['.. as the top', () => [directory('../'), file('../outside/victim', 'x')], 'leads up'],
  ['.. in a directory', () => [directory('db/'), directory('db/../outside/')], 'leads up'],
  [
    '.. in a pax path',
    () => [directory('db/'), pax([['path', 'db/a/../../x']]), file('db/a', 'x')],
    'leads up',
  ],
  ['.. in a GNU long name', () => [directory('db/'), longName('db/../x'), file('db/a', 'x')], 'leads up'],
  ['.. in a ustar prefix', () => [directory('db/'), file('x', 'x', { prefix: 'db/..' })], 'leads up'],
  [
    '.. in a sparse name',
    () => [
      directory('db/'),
      pax([
        ['GNU.sparse.name', 'db/../x'],
        ['GNU.sparse.size', '1'],
        ['GNU.sparse.map', '0,1'],
      ]),
      file('db/a', 'x'),
    ],
    'leads up',
  ],
  ['an empty name', () => [directory('db/'), entry({ name: '' })], 'an empty name'],
  [
    'a name with a NUL',
    () => [directory('db/'), pax([['path', 'db/a\0b']]), file('db/a', 'x')],
    'with a NUL in it',
  ],
  [
    'a name through its own symlink',
    (outside) => [directory('db/'), symlink('db/l', outside), file('db/l/victim', 'x')],
    '"db/l/victim", which leads through a symbolic link',
  ],
  [
    'a name through a chain of symlinks',
    () => [directory('db/'), symlink('db/a', '..'), symlink('db/b', 'a/outside'), file('db/b/victim', 'x')],
    '"db/b/victim", which leads through a symbolic link',
  ],
  [
    'a directory through its own symlink',
    (outside) => [directory('db/'), symlink('db/l', outside), directory('db/l/sub/')],
    'leads through a symbolic link',
  ],
  [
    'a symlink deep below another',
    (outside) => [directory('db/'), symlink('db/l', outside), symlink('db/l/a/b/c', 'x')],
    'leads through a symbolic link',
  ],
  ['a name below a file', () => [directory('db/'), file('db/f', 'x'), file('db/f/g', 'x')], 'or a file'],
  ['a hard link up', () => [directory('db/'), hardLink('db/h', 'db/../outside/victim')], 'leads up'],
  [
    'a hard link to an absolute name',
    (outside) => [directory('db/'), hardLink('db/h', `${outside}/victim`)],
    'the absolute name',
  ],
  [
    'a hard link outside of the top',
    () => [directory('db/'), hardLink('db/h', 'outside/victim')],
    'hard link to "outside/victim"',
  ],
  ['a hard link to the top', () => [directory('db/'), hardLink('db/h', './')], 'hard link to "./"'],
  [
    'a hard link through a symlink',
    (outside) => [directory('db/'), symlink('db/l', outside), hardLink('db/h', 'db/l/victim')],
    'leads through a symbolic link',
  ],
  [
    'a hard link to the volume itself',
    () => [file('a', 'x'), hardLink('h', '.')],
    'a hard link to the volume itself',
  ],
  [
    'a symlink as the volume itself',
    (outside) => [directory('./'), symlink('.', outside)],
    'a symlink in the place of the volume itself',
  ],
]

describe('an archive with a name that leads out is refused as a whole:', () => {
  test.each(attacks)('%s', async (_, parts, says) => {
    using bench = makeBench('memory')
    const victim = makeVictim(bench)
    const before = lstatSync(victim)
    const refusal = await refusalOf(archiveOf(...parts(`${bench.path}/outside`)), bench.target)
    expect(refusal).toMatch(/^ARCHIVE_UNSAFE: /)
    expect(refusal).toContain(says)
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
    expect(lstatSync(victim).nlink).toBe(before.nlink)
    expect(readdirSync(`${bench.path}/outside`)).toEqual(['victim'])
    expect(existsSync('/tmp/backupd-evil')).toBe(false)
  })
})

describe('an archive that only looks like an attack is restored', () => {
  test('symlinks may point anywhere, because they are data', async () => {
    using bench = makeBench('memory')
    const victim = makeVictim(bench)
    await unpack(
      archiveOf(directory('db/'), symlink('db/a', victim), symlink('db/b', '../../..')),
      bench.target,
    )
    expect(readlinkSync(`${bench.target}/a`)).toBe(victim)
    expect(readlinkSync(`${bench.target}/b`)).toBe('../../..')
  })

  test('owner, mode and time of a symlink never change its target', async () => {
    using bench = makeBench('memory')
    const victim = makeVictim(bench)
    const before = lstatSync(victim, { bigint: true })
    const link = entry({ name: 'db/l', type: '2', linkName: victim, uid: 1234, mode: 0o777, mtime: 1 })
    await unpack(archiveOf(directory('db/'), link), bench.target)
    const after = lstatSync(victim, { bigint: true })
    expect([after.uid, after.mode, after.mtimeNs]).toEqual([before.uid, before.mode, before.mtimeNs])
  })

  test('a symlink that a later file replaces is replaced, not followed', async () => {
    using bench = makeBench('memory')
    const victim = makeVictim(bench)
    await unpack(archiveOf(directory('db/'), symlink('db/l', victim), file('db/l', 'mine')), bench.target)
    expect(readFileSync(`${bench.target}/l`, 'utf8')).toBe('mine')
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
  })

  test('a symlink that a later directory replaces is not followed by the content of that directory', async () => {
    using bench = makeBench('memory')
    makeVictim(bench)
    const link = symlink('db/l', `${bench.path}/outside`)
    await unpack(
      archiveOf(directory('db/'), link, directory('db/l/'), file('db/l/victim', 'mine')),
      bench.target,
    )
    expect(readFileSync(`${bench.target}/l/victim`, 'utf8')).toBe('mine')
    expect(readFileSync(`${bench.path}/outside/victim`, 'utf8')).toBe('untouched')
  })

  test('a directory that a later symlink replaces does not pass its metadata on', async () => {
    using bench = makeBench('memory')
    const victim = makeVictim(bench)
    const parts = [directory('db/'), directory('db/d/', { mode: 0o700 }), file('db/d/f', 'x')]
    await unpack(archiveOf(...parts, symlink('db/d', `${bench.path}/outside`)), bench.target)
    expect(readlinkSync(`${bench.target}/d`)).toBe(`${bench.path}/outside`)
    expect(lstatSync(`${bench.path}/outside`).mode & 0o777).toBe(0o755)
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
  })

  test('names of dots, and two dots within a name, are ordinary', async () => {
    using bench = makeBench('memory')
    await unpack(archiveOf(directory('db/'), file('db/a..b', '1'), file('db/...', '2')), bench.target)
    expect(readdirSync(bench.target).sort()).toEqual(['...', 'a..b'])
  })
})

test('a link that was in the target before is not followed', async () => {
  using bench = makeBench('memory')
  const victim = makeVictim(bench)
  symlinkSync(`${bench.path}/outside`, `${bench.target}/l`)
  const refusal = await refusalOf(archiveOf(directory('db/'), file('db/l/victim', 'x')), bench.target)
  expect(refusal).toMatch(/^ARCHIVE_UNSAFE: .*"db\/l\/victim"/)
  expect(readFileSync(victim, 'utf8')).toBe('untouched')
})
