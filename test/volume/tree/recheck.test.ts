import { chmodSync, lstatSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { TreeEntry } from '../../../src/volume/tree/entry.ts'
import { findChangedFiles } from '../../../src/volume/tree/recheck/changed-files.ts'
import { findMissed } from '../../../src/volume/tree/recheck/missed.ts'
import { RecheckSteps } from '../../../src/volume/tree/recheck/recheck-steps.ts'
import { logSeen, makeStamp, WalkLog } from '../../../src/volume/tree/recheck/walk-log.ts'
import { warnOfMissed } from '../../../src/volume/tree/recheck/warn-of-missed.ts'
import { toTreeEntry } from '../../../src/volume/tree/stat-entry.ts'
import { openVolume } from '../../../src/volume/tree/volume.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { bindMount, canMount, mountTmpfs } from '../../support/tmpfs.ts'

const NEVER = 2n ** 62n

/** A volume of the files `sub/a` and `sub/b`, and a log of a walk that saw all of it. */
async function walkedWorld() {
  const dir = tempDir()
  mkdirSync(join(dir, 'sub'))
  for (const name of ['a', 'b']) writeFileSync(join(dir, 'sub', name), name)
  const volume = await openVolume(dir)
  const log = new WalkLog()
  onTestFinished(() => {
    log[Symbol.dispose]()
    volume[Symbol.dispose]()
  })
  const warnings: string[] = []
  const { signal } = new AbortController()
  const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
    void warnings.push(`${path}: ${message}`)
  const steps = new RecheckSteps({ signal, onWarning, onRecheck: () => {} })
  const look = (path: string) => lstatSync(join(dir, path), { bigint: true })
  const logFolder = (path: string, names: string[], change: Partial<TreeEntry> = {}) => {
    const folder = log.openFolder(Buffer.from(path), { ...makeStamp(look(path)), ...change }, false)
    for (const name of names)
      folder?.add(Buffer.from(name), toTreeEntry('file', look(join(path, name)), Buffer.from(name)), false)
    folder?.close()
  }
  const changed = async (beginNs = NEVER) => {
    const { count, names } = await findChangedFiles(volume, log, { beginNs, steps })
    return { count, names: names.map(String).sort() }
  }
  const missed = async (whyLeftOut?: (folder: Buffer, name: Buffer) => string | undefined) => {
    const { folders } = await findMissed(volume, log, { steps, whyLeftOut })
    return [...folders].map(([path, names]) => [
      path,
      Array.from({ length: names.count }, (_, at) => String(names.at(at).name)),
    ])
  }
  return { dir, volume, log, warnings, look, logFolder, changed, missed }
}

test('a file that an older one replaced has changed, and so has a missing one', async () => {
  const { dir, look, logFolder, changed } = await walkedWorld()
  mkdirSync(join(dir, 'other'))
  writeFileSync(join(dir, 'other/a'), 'older than the run, too')
  // Stamps follow a clock that ticks every few milliseconds.
  await expect
    .poll(() => {
      chmodSync(join(dir, 'other/a'), 0o600)
      return look('other/a').ctimeNs
    })
    .not.toBe(look('sub/a').ctimeNs)
  logFolder('sub', ['a', 'b'])
  expect(await changed()).toEqual({ count: 0, names: [] })
  renameSync(join(dir, 'sub'), join(dir, 'away'))
  renameSync(join(dir, 'other'), join(dir, 'sub'))
  expect(await changed()).toEqual({ count: 2, names: ['sub/a', 'sub/b'] })
})

test('of changed files the first hundred are named, and all are counted', async () => {
  const { dir, logFolder, changed } = await walkedWorld()
  const names = Array.from({ length: 150 }, (_, n) => `${n}`)
  for (const name of names) writeFileSync(join(dir, 'sub', name), '')
  logFolder('sub', names)
  const { count, names: named } = await changed(0n)
  expect([count, named.length]).toEqual([150, 100])
})

test.skipIf(!canMount)('files behind a later mount count as missing (needs mounts)', async () => {
  const { dir, logFolder, changed, missed } = await walkedWorld()
  logFolder('sub', ['a', 'b'])
  onTestFinished(mountTmpfs(join(dir, 'sub')))
  for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, 'sub', name), '')
  expect(await changed()).toMatchObject({ count: 2 })
  expect(await missed()).toEqual([])
})

test('a name that appeared in the clock tick in which its directory was listed is found', async () => {
  const { logFolder, missed } = await walkedWorld()
  // As listed right before "b" came.
  logFolder('sub', ['a'])
  expect(await missed()).toEqual([['sub', ['b']]])
})

test('entries that a backup leaves out or cannot hold do not count as missing', async () => {
  const { dir, logFolder, missed } = await walkedWorld()
  logFolder('sub', ['a'])
  const socket = await import('node:net').then(({ createServer }) => createServer())
  await new Promise<void>((resolve) => socket.listen(join(dir, 'sub/socket'), resolve))
  onTestFinished(() => void socket.close())
  const whyLeftOut = (_: Buffer, name: Buffer) => (`${name}` === 'b' ? 'is not part of it' : undefined)
  expect(await missed(whyLeftOut)).toEqual([])
})

test('a name that vanished during the check counts as never seen, an unreadable one as seen', async () => {
  const { log } = await walkedWorld()
  const folder = log.openFolder(Buffer.from('sub'), makeStamp(statSync('/', { bigint: true })), false)
  const names = ['gone', 'unreadable'].map((name) => Buffer.from(name))
  const inspected = [undefined, undefined]
  if (folder)
    logSeen(folder, { folder: Buffer.from('sub'), names, seen: inspected, vanished: new Set(['sub/gone']) })
  folder?.close()
  const logged = log.folderAt(0)
  const seen = logged ? [...log.names(logged)].flat() : []
  expect(seen.map(({ name, type }) => [`${name}`, type])).toEqual([['unreadable', undefined]])
})

test('an inode counts as seen under any name, also in a directory listed again, unless it was unreadable', async () => {
  const { log, logFolder, look } = await walkedWorld()
  logFolder('sub', ['a', 'b'])
  const unread = log.openFolder(Buffer.from('x'), makeStamp(look('sub')), false)
  unread?.add(Buffer.from('unread'), undefined, false)
  unread?.close()
  const wanted = new Set([look('sub/a').ino, look('sub/b').ino, 0n])
  const both = new Set([look('sub/a').ino, look('sub/b').ino])
  expect(log.findInodes(wanted)).toEqual(both)
  log.listAgain(0)
  expect(log.findInodes(wanted)).toEqual(both)
})

test('more than 10,000 new entries of a directory are reported as one', async () => {
  const { dir, volume, log, logFolder, warnings } = await walkedWorld()
  logFolder('sub', ['a', 'b'])
  for (let n = 0; n <= 10_000; n++) writeFileSync(join(dir, 'sub', `${n}`), '')
  const { signal } = new AbortController()
  const onWarning = ({ path, message }: { path: Buffer; message: string }) =>
    void warnings.push(`${path}: ${message}`)
  const steps = new RecheckSteps({ signal, onWarning, onRecheck: () => {} })
  const missed = await findMissed(volume, log, { steps, whyLeftOut: undefined })
  // As if all of them were older than the run.
  await warnOfMissed(volume, missed, { log, beginNs: NEVER, steps, onWarning })
  expect(warnings).toHaveLength(22)
  expect(warnings.slice(-2)).toEqual([
    'sub: 9980 more: each was moved here while the volume was read, and may be missing in the backup',
    'sub: has too many new entries: some may be missing',
  ])
})

test('the stamps of more directories than the first table holds are kept', async () => {
  const { log, look } = await walkedWorld()
  for (let n = 0; n < 200; n++) log.openFolder(Buffer.from(`${n}`), makeStamp(look('sub')), false)?.close()
  expect(log.folderCount).toBe(200)
  for (let n = 0; n < 200; n++) expect(log.folderAt(n)?.path.toString()).toBe(`${n}`)
})

test.skipIf(!canMount)(
  'a directory shown at another place by a bind mount is checked there (needs mounts)',
  async () => {
    const { dir, logFolder, changed } = await walkedWorld()
    mkdirSync(join(dir, 'shown'))
    onTestFinished(bindMount(join(dir, 'sub'), join(dir, 'shown')))
    logFolder('shown', ['a', 'b'])
    expect(await changed()).toEqual({ count: 0, names: [] })
  },
)
