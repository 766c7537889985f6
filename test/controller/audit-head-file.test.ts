import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AuditHeadFile } from '../../src/controller/audit-head-file.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Problems } from '../../src/lib/problems.ts'
import { tempDir } from '../support/temp-dir.ts'

const HEAD = { id: 7, hash: 'a'.repeat(64) }

function start() {
  const dir = tempDir()
  const problems = new Problems(systemClock)
  return { dir, file: join(dir, 'audit-head'), problems, head: new AuditHeadFile(dir, problems) }
}

test('a head that could not be written is written with the next try, also if it is the same', async () => {
  const { file, problems, head } = start()
  mkdirSync(file)
  await head.save(HEAD)
  expect(problems.list()).toMatchObject([{ source: 'audit', text: expect.stringContaining('Cannot write') }])
  rmdirSync(file)
  await head.save(HEAD)
  expect(problems.list()).toEqual([])
  expect(await head.read()).toEqual(HEAD)
})

test('heads are written one after the other, and one that is there already is not written again', async () => {
  const { dir, file, head } = start()
  await Promise.all([head.save(HEAD), head.save({ id: 8, hash: 'b' }), head.save({ id: 9, hash: 'c' })])
  expect(await head.read()).toEqual({ id: 9, hash: 'c' })
  writeFileSync(file, 'left alone')
  await head.save({ id: 9, hash: 'c' })
  await head.save(null)
  expect([readFileSync(file, 'utf8'), readdirSync(dir)]).toEqual(['left alone', ['audit-head']])
})

test.each(['', '{', '{"id":-1,"hash":""}', '{"id":1}'])('a file with %j counts as none', async (text) => {
  const { file, head } = start()
  writeFileSync(file, text)
  expect(await head.read()).toBeNull()
})
