import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePrivate } from '../../src/lib/private-modes.ts'
import { tempDir } from '../support/temp-dir.ts'

const isRoot = process.geteuid?.() === 0
const all = () => true

function put(dir: string, name: string, mode: number): string {
  const path = join(dir, name)
  writeFileSync(path, '')
  chmodSync(path, mode)
  return path
}

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777
}

test('group and others lose their rights, the owner keeps his, and nothing is reported twice', () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'deep'))
  chmodSync(join(dir, 'deep'), 0o755)
  const paths = [put(dir, 'readable', 0o644), put(dir, 'program', 0o755), put(dir, 'deep/group', 0o660)]
  const own = put(dir, 'own', 0o400)
  expect(makePrivate(dir, all).sort()).toEqual(['deep', 'deep/group', 'program', 'readable'])
  expect(paths.map(modeOf)).toEqual([0o600, 0o700, 0o600])
  expect([modeOf(own), modeOf(join(dir, 'deep'))]).toEqual([0o400, 0o700])
  expect(makePrivate(dir, all)).toEqual([])
})

test.skipIf(!isRoot)('a file of another user keeps its mode', () => {
  const dir = tempDir()
  const path = put(dir, 'foreign', 0o644)
  mkdirSync(join(dir, 'folder'))
  put(dir, 'folder/ours', 0o644)
  for (const each of [path, join(dir, 'folder')]) chownSync(each, 12_345, 12_345)
  expect(makePrivate(dir, all)).toEqual([])
  expect(modeOf(path)).toBe(0o644)
})

test('links are not followed, and pipes and missing files are not waited for', () => {
  const [dir, elsewhere] = [tempDir(), tempDir()]
  const secret = put(elsewhere, 'secret', 0o644)
  symlinkSync(secret, join(dir, 'link'))
  symlinkSync(elsewhere, join(dir, 'folder'))
  execFileSync('mkfifo', ['-m', '666', join(dir, 'pipe')])
  const open = readdirSync('/proc/self/fd').length
  expect(makePrivate(dir, all)).toEqual([])
  expect(makePrivate(join(dir, 'gone'), all)).toEqual([])
  expect(makePrivate(secret, all)).toEqual([])
  expect([modeOf(secret), modeOf(join(dir, 'pipe'))]).toEqual([0o644, 0o666])
  expect(readdirSync('/proc/self/fd')).toHaveLength(open)
})

test('a folder that cannot be listed is an error, because what is in it may be readable for others', () => {
  const dir = tempDir()
  symlinkSync('loop', join(dir, 'loop'))
  expect(() => makePrivate(join(dir, 'loop'), all)).toThrow('ELOOP')
})
