import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { create } from 'tar'
import { describe, expect, test } from 'vitest'
import {
  archiveOf,
  base256,
  directory,
  END,
  entry,
  file,
  hardLink,
  pax,
  symlink,
} from '../support/tar-blocks.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { gnuTar, isRoot, makeBench, unpack } from '../support/unpack-kit.ts'

const TOP = directory('db/')

async function unpacked(...parts: Buffer[]) {
  const bench = makeBench('memory')
  const result = await unpack(archiveOf(...parts), bench.target)
  const stat = (name: string | Buffer) =>
    lstatSync(Buffer.concat([Buffer.from(`${bench.target}/`), Buffer.from(name)]), { bigint: true })
  const read = (name: string) => readFileSync(`${bench.target}/${name}`, 'utf8')
  return {
    ...bench,
    ...result,
    stat,
    read,
    names: () => readdirSync(bench.target, { encoding: 'buffer' }),
    [Symbol.dispose]: () => bench[Symbol.dispose](),
  }
}

describe('names', () => {
  test('a ustar prefix is prepended; a GNU header has other fields there', async () => {
    using out = await unpacked(
      TOP,
      file('x', '1', { prefix: 'db/deep' }),
      file('db/y', '2', { magic: 'gnu', prefix: 'no/name' }),
    )
    expect(out.read('deep/x')).toBe('1')
    expect(out.read('y')).toBe('2')
  })

  test('GNU long names and long links', async () => {
    const name = `db/${'n'.repeat(200)}`
    const long = entry({ name: '././@LongLink', type: 'L', magic: 'gnu', body: `${name}\0` })
    const longLink = entry({ name: '././@LongLink', type: 'K', magic: 'gnu', body: `${name}\0` })
    using out = await unpacked(TOP, long, file('db/cut', 'x'), longLink, hardLink('db/h', 'db/cut'))
    expect(out.read('n'.repeat(200))).toBe('x')
    expect(out.stat('h').ino).toBe(out.stat('n'.repeat(200)).ino)
  })

  test('bytes that are not text, in a header and in a pax record', async () => {
    const bytes = Buffer.from([0x64, 0x62, 0x2f, 0xff, 0xfe])
    const inPax = Buffer.from([0x64, 0x62, 0x2f, 0xc3, 0x0a, 0x3d])
    using out = await unpacked(
      TOP,
      entry({ name: bytes, body: '1' }),
      pax([['path', inPax]]),
      file('db/x', '2'),
    )
    expect(
      out
        .names()
        .map((name) => name.toString('hex'))
        .sort(),
    ).toEqual(['c30a3d', 'fffe'])
  })

  test('exactly 100 bytes without a NUL', async () => {
    using out = await unpacked(TOP, file(`db/${'x'.repeat(97)}`, '1'))
    expect(out.read('x'.repeat(97))).toBe('1')
  })
})

describe('numbers', () => {
  test.runIf(isRoot)('base 256, pax, and the largest ids', async () => {
    using out = await unpacked(
      TOP,
      file('db/a', 'x', { uid: base256(3_000_000_000n, 8) }),
      pax([
        ['uid', '4294967294'],
        ['gid', '3000000001'],
        ['mtime', '-1.25'],
      ]),
      file('db/b', 'x'),
      file('db/c', 'x', { patches: [[136, base256(-5n, 12)]] }),
    )
    expect(out.warnings).toEqual([])
    expect(out.stat('a').uid).toBe(3_000_000_000n)
    expect([out.stat('b').uid, out.stat('b').gid, out.stat('b').mtimeNs]).toEqual([
      4294967294n,
      3000000001n,
      -1_250_000_000n,
    ])
    expect(out.stat('c').mtimeNs).toBe(-5_000_000_000n)
  })

  test('an invalid owner id is a warning', async () => {
    using out = await unpacked(TOP, file('db/a', 'x', { uid: base256(-2n, 8) }))
    expect(out.warnings).toEqual(['fault a: belongs to -2, which is not a valid id; it was given to root'])
  })

  test('pax times are read to the nanosecond, more digits are cut off', async () => {
    using out = await unpacked(TOP, pax([['mtime', '1577934245.1234567899']]), file('db/a', 'x'))
    expect(out.stat('a').mtimeNs).toBe(1577934245_123456789n)
  })

  test('a pax size overrides a smaller size in the header', async () => {
    using out = await unpacked(
      TOP,
      pax([['size', '600']]),
      entry({ name: 'db/a', size: 0, body: 'y'.repeat(600) }),
      file('db/b', 'z'),
    )
    expect(out.read('a')).toBe('y'.repeat(600))
    expect(out.read('b')).toBe('z')
  })

  test('blanks are accepted in every number field', async () => {
    const blank: [number, string][] = [
      [100, ' '.repeat(8)],
      [108, ' '.repeat(8)],
      [116, '\0'.repeat(8)],
      [136, ' '.repeat(12)],
    ]
    using out = await unpacked(TOP, file('db/a', 'x', { patches: blank, magic: 'v7' }))
    expect(out.read('a')).toBe('x')
    expect(out.stat('a').mtimeNs).toBe(0n)
  })

  test('a checksum of signed bytes, as old Sun tars write it, is accepted', async () => {
    const block = file('db/x', 'y', { name: Buffer.from([0x64, 0x62, 0x2f, 0xe9]) })
    const unsigned = Number.parseInt(block.toString('latin1', 148, 154), 8)
    block.write(`${(unsigned - 256).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    using out = await unpacked(TOP, block)
    expect(out.names().map((name) => name.toString('hex'))).toEqual(['e9'])
  })
})

describe('kinds of entries', () => {
  test('an old archive marks a directory by a slash', async () => {
    using out = await unpacked(
      directory('db/', { type: '\0', magic: 'v7' }),
      entry({ name: 'db/d/', type: '0', magic: 'v7' }),
      file('db/f', 'x', { type: '\0', magic: 'v7' }),
    )
    expect(out.root?.type).toBe('directory')
    expect(out.stat('d').isDirectory()).toBe(true)
    expect(out.read('f')).toBe('x')
  })

  test('a directory with a size has no content, whatever its size is', async () => {
    using out = await unpacked(directory('db/', { size: 4096 }), file('db/f', 'x'))
    expect(out.read('f')).toBe('x')
  })

  test('a hard link with the size of its file has no content', async () => {
    using out = await unpacked(
      TOP,
      file('db/a', 'x'),
      entry({ name: 'db/b', type: '1', linkName: 'db/a', size: 4096 }),
      file('db/c', 'z'),
    )
    expect(out.read('b')).toBe('x')
    expect(out.read('c')).toBe('z')
  })

  test('the list of a dump directory is skipped, and a volume label is not an entry', async () => {
    using out = await unpacked(
      entry({ name: 'label', type: 'V', magic: 'gnu' }),
      TOP,
      entry({ name: 'db/d/', type: 'D', magic: 'gnu', body: 'Yf\0' }),
      file('db/f', 'x'),
    )
    expect(out.names().map(String).sort()).toEqual(['d', 'f'])
  })

  test('a contiguous file is a file; an unknown type is restored as a file with a warning', async () => {
    using out = await unpacked(TOP, file('db/a', 'x', { type: '7' }), file('db/b', 'y', { type: 'Q' }))
    expect(out.read('a') + out.read('b')).toBe('xy')
    expect(out.warnings).toEqual(['fault b: has the unknown type "Q" and was restored as a file'])
  })

  test('a hard link to a missing file is a fault, and the rest is restored', async () => {
    using out = await unpacked(TOP, hardLink('db/h', 'db/none'), file('db/f', 'x'))
    expect(out.warnings).toEqual(['fault h: is a hard link to an entry that was not restored'])
    expect(out.faults).toBe(1)
    expect(out.read('f')).toBe('x')
  })

  test('a hard link in place of the directory of its file is a fault', async () => {
    using out = await unpacked(TOP, file('db/d/f', 'x'), hardLink('db/d', 'db/d/f'), file('db/g', 'y'))
    expect(out.warnings).toEqual(['fault d: is a hard link to an entry that was not restored'])
    expect(out.read('g')).toBe('y')
  })

  test('a hard link to itself changes nothing', async () => {
    using out = await unpacked(TOP, file('db/a', 'x'), hardLink('db/a', 'db/a'))
    expect(out.warnings).toEqual([])
    expect(out.read('a')).toBe('x')
  })

  test('a symlink without a target is a fault', async () => {
    using out = await unpacked(TOP, symlink('db/l', ''), file('db/f', 'x'))
    expect(out.warnings).toEqual(['fault l: is a symlink without a target'])
  })

  test.runIf(isRoot)('devices of ustar and of GNU headers', async () => {
    using out = await unpacked(
      TOP,
      entry({ name: 'db/n', type: '3', devices: [1, 3] }),
      entry({ name: 'db/b', type: '4', devices: [7, 5], magic: 'gnu' }),
      entry({ name: 'db/p', type: '6' }),
    )
    expect(out.stat('n').isCharacterDevice() && out.stat('n').rdev).toBe(0x103n)
    expect(out.stat('b').isBlockDevice() && out.stat('b').rdev).toBe(0x705n)
    expect(out.stat('p').isFIFO()).toBe(true)
  })
})

describe('pax headers', () => {
  test('a global header applies to all later entries, an own header wins, an empty record cancels it', async () => {
    const globals = pax(
      [
        ['mtime', '1000.5'],
        ['comment', 'of git'],
      ],
      'g',
    )
    using out = await unpacked(
      globals,
      TOP,
      file('db/a', 'x'),
      pax([['mtime', '7']]),
      file('db/b', 'x'),
      pax([['mtime', '']]),
      file('db/c', 'x'),
    )
    expect(['a', 'b', 'c'].map((name) => out.stat(name).mtimeNs / 1_000_000n)).toEqual([
      1000500n,
      7000n,
      1600000000000n,
    ])
  })

  test('global headers never name or size entries', async () => {
    using out = await unpacked(
      pax(
        [
          ['path', 'db/all'],
          ['size', '9'],
          ['linkpath', 'x'],
        ],
        'g',
      ),
      TOP,
      file('db/a', 'x'),
      symlink('db/l', 'a'),
    )
    expect(out.read('a')).toBe('x')
    expect(readlinkSync(`${out.target}/l`)).toBe('a')
  })

  test('a header belongs to its entry, even if GNU headers stand between', async () => {
    const long = entry({ name: '././@LongLink', type: 'L', magic: 'gnu', body: 'db/long\0' })
    using out = await unpacked(TOP, pax([['mtime', '77']]), long, file('db/a', 'x'), file('db/b', 'x'))
    expect([out.stat('long').mtimeNs, out.stat('b').mtimeNs]).toEqual([
      77_000_000_000n,
      1_600_000_000_000_000_000n,
    ])
  })
})

describe('blocks of zeros', () => {
  test('a single block is skipped, two blocks are the end', async () => {
    using out = await unpacked(
      TOP,
      file('db/a', 'x'),
      Buffer.alloc(512),
      file('db/b', 'y'),
      END,
      file('db/c', 'z'),
    )
    expect(out.names().map(String).sort()).toEqual(['a', 'b'])
    expect(out.warnings).toHaveLength(1)
  })

  test('a single block at the very end is enough', async () => {
    using bench = makeBench('memory')
    const bytes = gzipSync(Buffer.concat([TOP, file('db/a', 'x'), Buffer.alloc(512)]))
    expect((await unpack(bytes, bench.target)).files).toBe(1)
  })
})

describe('the top directory', () => {
  test('is created if the archive has no entry for it', async () => {
    using out = await unpacked(file('db/a', 'x'), file('db/d/b', 'y'))
    expect(out.root).toBeNull()
    expect(out.read('a') + out.read('d/b')).toBe('xy')
    expect(out.stat('d').mode & 0o777n).toBe(0o755n)
  })

  test('is removed from names that start with ./', async () => {
    using out = await unpacked(
      file('./a', 'x'),
      directory('./'),
      file('./db/b', 'y'),
      hardLink('./h', './a'),
      file('c', 'z'),
    )
    expect(out.root?.type).toBe('directory')
    expect(out.read('db/b') + out.read('h') + out.read('c')).toBe('yxz')
  })

  test('is kept if there are several (tar -C dir a b)', async () => {
    const parts = [
      directory('a/', { mode: 0o700, mtime: 5 }),
      directory('a/sub/', { mtime: 6 }),
      file('a/f', '1'),
      directory('b/', { mtime: 7 }),
      file('b/f', '2'),
      file('c', '3'),
    ]
    using out = await unpacked(...parts, hardLink('h', 'a/f'))
    expect(out.root).toBeNull()
    expect(out.read('a/f') + out.read('b/f') + out.read('c') + out.read('h')).toBe('1231')
    expect([
      out.stat('a').mode & 0o777n,
      out.stat('a').mtimeNs,
      out.stat('a/sub').mtimeNs,
      out.stat('b').mtimeNs,
    ]).toEqual([0o700n, 5_000_000_000n, 6_000_000_000n, 7_000_000_000n])
    expect(out.entries).toBe(7)
  })

  test('is not needed if files are at the top (tar * in the directory)', async () => {
    using out = await unpacked(file('a', '1'), directory('d/'), file('d/b', '2'))
    expect(out.read('a') + out.read('d/b')).toBe('12')
  })
})

describe('of two entries with the same name the later one wins', () => {
  test('a file replaces a file, a file replaces a link, a directory follows', async () => {
    const parts = [
      file('db/a', 'first'),
      file('db/b', 'b'),
      hardLink('db/c', 'db/b'),
      directory('db/d/', { mode: 0o700 }),
    ]
    using out = await unpacked(
      TOP,
      ...parts,
      file('db/d/in', 'x'),
      file('db/a', '2nd'),
      file('db/b', 'new b'),
      directory('db/d/', { mode: 0o750 }),
    )
    expect([out.read('a'), out.read('b'), out.read('c'), out.read('d/in')]).toEqual([
      '2nd',
      'new b',
      'b',
      'x',
    ])
    expect(out.stat('d').mode & 0o777n).toBe(0o750n)
  })

  test('a file replaces a directory with its content, and the reverse', async () => {
    using out = await unpacked(
      TOP,
      directory('db/d/'),
      directory('db/d/e/', { mode: 0o711 }),
      file('db/d/e/f', 'x'),
      file('db/d', 'file'),
      directory('db/d/', { mode: 0o701 }),
      directory('db/d/e/', { mode: 0o710 }),
    )
    expect(readdirSync(`${out.target}/d/e`)).toEqual([])
    expect([out.stat('d').mode & 0o777n, out.stat('d/e').mode & 0o777n]).toEqual([0o701n, 0o710n])
  })

  test('a directory may come after its content', async () => {
    using out = await unpacked(
      file('db/d/e/f', 'x', { mtime: 9 }),
      directory('db/d/e/', { mtime: 5, mode: 0o500 }),
      directory('db/d/', { mtime: 6, mode: 0 }),
      TOP,
    )
    expect([out.stat('d').mtimeNs, out.stat('d/e').mtimeNs]).toEqual([6_000_000_000n, 5_000_000_000n])
    expect([out.stat('d').mode & 0o777n, out.stat('d/e').mode & 0o777n]).toEqual([0n, 0o500n])
  })
})

describe('other tars', () => {
  test('node-tar', async () => {
    using bench = makeBench('memory')
    mkdirSync(`${bench.path}/db/d`, { recursive: true })
    writeFileSync(`${bench.path}/db/d/${'long'.repeat(50)}`, 'x')
    writeFileSync(`${bench.path}/db/é`, 'y'.repeat(5000))
    await create({ gzip: true, file: `${bench.path}/a.tgz`, cwd: bench.path }, ['db'])
    await unpack(`${bench.path}/a.tgz`, bench.target)
    expect(compareTrees(`${bench.path}/db`, bench.target, { ignoreRoot: true, ignore: ['mtimeNs'] })).toEqual(
      [],
    )
  })

  test.skipIf(!hasPython())('python, pax and GNU (needs python3)', async () => {
    using bench = makeBench('memory')
    mkdirSync(`${bench.path}/db`)
    writeFileSync(`${bench.path}/db/${'long'.repeat(50)}`, 'x')
    for (const format of ['PAX_FORMAT', 'GNU_FORMAT', 'USTAR_FORMAT']) {
      using out = makeBench('memory')
      const name = format === 'USTAR_FORMAT' ? 'db' : 'x'.repeat(120)
      const script = `import tarfile;t=tarfile.open('a.tgz','w:gz',format=tarfile.${format});t.add('db',arcname='${name}',recursive=${format === 'USTAR_FORMAT' ? 'False' : 'True'});t.addfile(tarfile.TarInfo('${name}/empty'))\nt.close()`
      execFileSync('python3', ['-c', script], { cwd: bench.path })
      const { files } = await unpack(`${bench.path}/a.tgz`, out.target)
      expect(files).toBe(format === 'USTAR_FORMAT' ? 1 : 2)
    }
  })

  test('GNU tar appended to (tar -r) and deleted from', async () => {
    using bench = makeBench('memory')
    mkdirSync(`${bench.path}/db`)
    for (const name of ['a', 'b', 'c']) writeFileSync(`${bench.path}/db/${name}`, name)
    const tar = `${bench.path}/a.tar`
    gnuTar('-cf', tar, '-C', bench.path, 'db/a', 'db/b')
    gnuTar('-rf', tar, '-C', bench.path, 'db/c')
    gnuTar('--delete', '-f', tar, 'db/b')
    await unpack(gzipSync(readFileSync(tar)), bench.target)
    expect(readdirSync(bench.target).sort()).toEqual(['a', 'c'])
  })
})

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import tarfile'])
    return true
  } catch {
    return false
  }
}
