import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { succeedsSync, tolerate, tolerateSync } from '../../src/lib/tolerate.ts'

const MISSING = '/nowhere/at/all'
const FOLDER = '/proc'

test('a named error gives the other value, or none', async () => {
  const codes = ['EACCES', 'ENOENT']
  expect(tolerateSync(codes, () => readFileSync(MISSING), 'missing')).toBe('missing')
  expect(tolerateSync(codes, () => readFileSync(MISSING))).toBeUndefined()
  expect(await tolerate(codes, () => readFile(MISSING), 'missing')).toBe('missing')
  expect(await tolerate(codes, () => readFile(MISSING))).toBeUndefined()
  expect(succeedsSync(codes, () => readFileSync(MISSING))).toBe(false)
})

test('every other error is thrown, also one of ours and one that a call throws before its promise', async () => {
  const ours = new BackupdError('NOT_FOUND', 'ours')
  const fail = () => {
    throw ours
  }
  expect(() => tolerateSync(['ENOENT'], () => readFileSync(FOLDER))).toThrow('EISDIR')
  expect(() => succeedsSync(['ENOENT'], () => readFileSync(FOLDER))).toThrow('EISDIR')
  expect(() => tolerateSync(['ENOENT'], fail)).toThrow(ours)
  await expect(tolerate(['ENOENT'], () => readFile(FOLDER))).rejects.toThrow('EISDIR')
  await expect(tolerate(['ENOENT'], fail)).rejects.toBe(ours)
  await expect(tolerate(['ENOENT'], () => Promise.reject(undefined))).rejects.toBeUndefined()
})

test('without an error, the result counts, whatever it is', async () => {
  expect(tolerateSync(['ENOENT'], () => undefined, 'other')).toBeUndefined()
  expect(await tolerate(['ENOENT'], async () => null, 'other')).toBeNull()
  expect(succeedsSync(['ENOENT'], () => {})).toBe(true)
})
