import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { archiveOf, directory, entry, file, hardLink, pax, symlink } from '../support/tar-blocks.ts'
import { canMount, mountTmpfs } from '../support/tmpfs.ts'
import { compareTrees } from '../support/tree-compare.ts'
import { gnuTar, isRoot, makeBench, refusalOf, unpack } from '../support/unpack-kit.ts'

const CHILD = fileURLToPath(new URL('../programs/unpack-child.ts', import.meta.url))

interface ChildResult {
  kernel: boolean
  faults: number
  warnings: string[]
}

function unpackInChild(archive: string, target: string, how: 'plain' | 'nobody'): ChildResult {
  return JSON.parse(
    execFileSync(process.execPath, [CHILD, archive, target, how], { encoding: 'utf8', stdio: 'pipe' }),
  )
}

const MIXED = [
  directory('db/'),
  pax([['SCHILY.xattr.user.k', 'v']]),
  file('db/attributes', 'x'),
  file('db/owned', 'y', { uid: 1234, gid: 4321, mode: 0o640 }),
  entry({ name: 'db/null', type: '3', devices: [1, 3] }),
  entry({ name: 'db/fifo', type: '6' }),
  directory('db/d/', { mode: 0, mtime: 5 }),
  file('db/d/e', 'z'),
]

test('without libc the rest is restored, and what is not is named', () => {
  using bench = makeBench('memory')
  const archive = `${bench.path}/a.tar.gz`
  writeFileSync(archive, archiveOf(...MIXED, symlink('db/l', 'x'), hardLink('db/h', 'db/d/e')))
  expect(unpackInChild(archive, bench.target, 'plain')).toEqual({
    kernel: false,
    faults: 3,
    warnings: [
      'fault null: a chardev cannot be made on this machine',
      'fault fifo: a fifo cannot be made on this machine',
      'fault : the extended attributes or ACLs of 1 entry cannot be written here, such as "attributes"',
    ],
  })
  expect(readFileSync(`${bench.target}/h`, 'utf8')).toBe('z')
})

test('without libc a tree of files, links and holes is restored, times to the microsecond', () => {
  using bench = makeBench('memory')
  const tree = `${bench.path}/db`
  mkdirSync(`${tree}/${'deep/'.repeat(300)}`, { recursive: true })
  writeFileSync(`${tree}/file`, Buffer.alloc(300_000, 'x'))
  execFileSync('truncate', ['-s', '5M', `${tree}/file`])
  gnuTar('--format=posix', '-S', '-czf', `${bench.path}/a.tar.gz`, '-C', bench.path, 'db')
  expect(unpackInChild(`${bench.path}/a.tar.gz`, bench.target, 'plain').warnings).toEqual([])
  expect(compareTrees(`${tree}/file`, `${bench.target}/file`, { ignore: ['mtimeNs'] })).toEqual([])
  expect(readdirSync(`${bench.target}/${'deep/'.repeat(299)}`)).toEqual(['deep'])
})

const DEEP = pax([['path', `db/${'deep/'.repeat(1500)}leaf`]])

test.each(['with', 'without'])('%s libc a path may be longer than one system call accepts', async (how) => {
  using bench = makeBench('memory')
  const bytes = archiveOf(directory('db/'), DEEP, file('db/x', 'y'))
  const archive = `${bench.path}/a.tar.gz`
  writeFileSync(archive, bytes)
  const result =
    how === 'with' ? await unpack(bytes, bench.target) : unpackInChild(archive, bench.target, 'plain')
  expect(result.warnings).toEqual([])
  const found = execFileSync('find', [bench.target, '-name', 'leaf'], { encoding: 'utf8' })
  expect(found.trim().length - bench.target.length).toBe('/deep'.length * 1500 + '/leaf'.length)
})

test('without libc a symlink on the way is refused too', () => {
  using bench = makeBench('memory')
  mkdirSync(`${bench.path}/outside`)
  const archive = `${bench.path}/a.tar.gz`
  writeFileSync(archive, archiveOf(directory('db/'), symlink('db/l', '../outside'), file('db/l/x', 'y')))
  expect(() => unpackInChild(archive, bench.target, 'plain')).toThrow(/leads through a symbolic link/)
  expect(readdirSync(`${bench.path}/outside`)).toEqual([])
})

test.runIf(isRoot)(
  'without root, owners are one fault, each device is one, and the rest is restored (as root, who steps down)',
  () => {
    using bench = makeBench()
    const archive = `${bench.path}/a.tar.gz`
    writeFileSync(archive, archiveOf(...MIXED))
    chmodSync(bench.path, 0o755)
    chownSync(bench.target, 65534, 65534)
    const { kernel, warnings } = unpackInChild(archive, bench.target, 'nobody')
    expect(kernel).toBe(true)
    expect(warnings.toSorted()).toEqual([
      expect.stringMatching(
        /^fault : the owners of 5 entries could not be restored \(EPERM\), such as ("[a-z/]+"(, )?){3}$/,
      ),
      'fault null: could not be restored (EPERM)',
    ])
    expect(readdirSync(bench.target).toSorted()).toEqual(['attributes', 'd', 'fifo', 'owned'])
  },
)

test.runIf(canMount)('a full file system aborts the unpacking with NO_ROOM (needs mounts)', async () => {
  using bench = makeBench('memory')
  const unmount = mountTmpfs(`${bench.path}/small`, 'size=256k')
  try {
    const archive = archiveOf(
      directory('db/'),
      file('db/small', 'x'),
      file('db/big', Buffer.alloc(1 << 20, 'x')),
    )
    expect(await refusalOf(archive, `${bench.path}/small`)).toBe(
      'NO_ROOM: Cannot write "big": the file system is full. Free some room and run it again',
    )
    expect(readdirSync(`${bench.path}/small`)).toEqual(['small'])
  } finally {
    unmount()
  }
})

test.runIf(canMount)(
  'a file system without attributes causes one fault, and the rest is restored (needs mounts)',
  async () => {
    using bench = makeBench('memory')
    const target = `${bench.path}/plain`
    mkdirSync(target)
    execFileSync('mount', ['-t', 'ramfs', 'backupd-test', target])
    try {
      const { warnings } = await unpack(archiveOf(...MIXED), target)
      expect(warnings).toEqual([
        'fault : the extended attributes (user.*) of 1 entry could not be restored (ENOTSUP), such as "attributes"',
      ])
      expect(readFileSync(`${target}/attributes`, 'utf8')).toBe('x')
    } finally {
      execFileSync('umount', ['-l', target])
    }
  },
)

test('a name too long for the file system is a fault', async () => {
  using bench = makeBench('memory')
  const parts = [pax([['path', `db/${'n'.repeat(300)}`]]), file('db/x', 'long'), file('db/y', 'z')]
  const { warnings, files } = await unpack(archiveOf(directory('db/'), ...parts), bench.target)
  expect(warnings).toEqual([`fault ${'n'.repeat(300)}: could not be restored (ENAMETOOLONG)`])
  expect(files).toBe(1)
})

test('an archive of which every entry is refused counts as empty', async () => {
  using bench = makeBench('memory')
  const parts = [pax([['path', `db/${'n'.repeat(300)}`]]), file('db/x', 'long')]
  expect(await refusalOf(archiveOf(directory('db/'), ...parts), bench.target)).toBe(
    'ARCHIVE_EMPTY: Nothing to recover from the archive: none of its 1 entries could be restored',
  )
})

test('an archive of ours of which every entry is refused does not empty the volume', async () => {
  using bench = makeBench('memory')
  const parts = [pax([['path', `db/${'n'.repeat(300)}`]]), file('db/x', 'long')]
  const archive = archiveOf(directory('db/'), ...parts)
  const sha256 = createHash('sha256').update(archive).digest('hex')
  const expected = { size: archive.length, sha256 }
  expect(await refusalOf(archive, bench.target, { expected })).toBe(
    'ARCHIVE_EMPTY: Nothing to recover from the archive: none of its 1 entries could be restored',
  )
})
