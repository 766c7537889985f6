import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { repairOwnModes } from '../../src/cli/own-files.ts'
import { keptLog, temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, startDaemonProcess } from '../support/daemon-process.ts'

let dir: ReturnType<typeof temporaryDir>

beforeEach(() => {
  dir = temporaryDir()
})

afterEach(() => {
  dir[Symbol.dispose]()
})

const modeOf = (...path: string[]) => lstatSync(join(dir.path, ...path)).mode & 0o777

function put(path: string, mode: number): void {
  const file = join(dir.path, path)
  writeFileSync(file, path)
  chmodSync(file, mode)
}

function makeFolder(path: string, mode: number): void {
  mkdirSync(join(dir.path, path))
  chmodSync(join(dir.path, path), mode)
}

test('in an existing data directory everything that a daemon writes is private to its user', async () => {
  for (const name of ['data', 'store', 'volumes']) makeFolder(name, 0o755)
  put('data/daemon-id', 0o644)
  writeFileSync(join(dir.path, 'data/daemon-id'), `${'0'.repeat(32)}\n`)
  put('data/notes-of-the-operator.txt', 0o644)
  const daemon = await startDaemonProcess(localFlags(dir.path))
  const files = readdirSync(join(dir.path, 'data'), { recursive: true, withFileTypes: true })
  const readable = files
    .filter((entry) => (lstatSync(join(entry.parentPath, entry.name)).mode & 0o077) !== 0)
    .map(({ name }) => name)
  const { stderr } = await kill(daemon, 'SIGTERM')
  expect(files.map(({ name }) => name)).toContain('daemon.db')
  expect(readable).toEqual(['notes-of-the-operator.txt'])
  expect(modeOf('data')).toBe(0o755)
  expect(stderr).toMatch(/"level":40.*these are private now: daemon-id"/)
})

test('modes of only our own files are repaired, and no link is followed', () => {
  for (const path of ['controller', 'copies', 'store', 'store/127.0.0.1', 'mine']) makeFolder(path, 0o755)
  for (const path of ['locks', 'recovers', 'recovers/deep']) makeFolder(path, 0o755)
  for (const path of ['locks/daemon', 'recovers/a.json', 'recovers/deep/b']) put(path, 0o644)
  for (const path of ['copies/weekly', 'copies/weekly/x', 'copies/catalog-a.db']) makeFolder(path, 0o755)
  for (const path of ['controller/clock.json', 'clock.json', 'reserve', 'controller/reserve'])
    put(path, 0o644)
  put('copies/weekly/x/catalog-20261129T000000000Z-0a0b0c0d.db', 0o644)
  put('copies/weekly/letter.txt', 0o644)
  put('controller/catalog.db', 0o644)
  put('controller/catalog.db-wal', 0o664)
  put('copies/catalog-20261129T000000000Z-0a0b0c0d.db', 0o644)
  put('copies/letter.txt', 0o644)
  put('mine/catalog.db', 0o644)
  put('secret', 0o644)
  symlinkSync('../secret', join(dir.path, 'controller/inventory.json'))
  const log = keptLog()
  repairOwnModes(dir.path, log)
  expect(modeOf('controller')).toBe(0o700)
  expect(modeOf('controller/catalog.db')).toBe(0o600)
  expect(modeOf('controller/catalog.db-wal')).toBe(0o600)
  expect(modeOf('copies/catalog-20261129T000000000Z-0a0b0c0d.db')).toBe(0o600)
  for (const path of ['store', 'locks', 'recovers']) expect(modeOf(path)).toBe(0o700)
  for (const path of ['locks/daemon', 'recovers/a.json']) expect(modeOf(path)).toBe(0o600)
  for (const path of ['controller/clock.json', 'clock.json', 'reserve', 'controller/reserve'])
    expect(modeOf(path)).toBe(0o600)
  expect(modeOf('copies/weekly/x/catalog-20261129T000000000Z-0a0b0c0d.db')).toBe(0o600)
  for (const path of ['copies/weekly', 'copies/weekly/x']) expect(modeOf(path)).toBe(0o700)
  for (const path of [
    'copies/letter.txt',
    'copies/weekly/letter.txt',
    'mine/catalog.db',
    'secret',
    'recovers/deep/b',
  ])
    expect(modeOf(path)).toBe(0o644)
  for (const path of ['mine', 'store/127.0.0.1']) expect(modeOf(path)).toBe(0o755)
  expect(log.lines.map(({ level }) => level)).toEqual(['warn'])
  repairOwnModes(dir.path, log)
  expect(log.lines).toHaveLength(1)
})
