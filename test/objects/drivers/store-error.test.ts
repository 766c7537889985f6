import { expect, it } from 'vitest'
import { BackupdError } from '../../../src/lib/errors.ts'
import { storeError } from '../../../src/objects/drivers/store-error.ts'

const errorOf = (errno: string) => Object.assign(new Error(`${errno}: it went wrong`), { code: errno })
const place = { dir: '/store', name: '10.0.0.1/x' }

it.each([
  ['ENOSPC', 'STORE_FULL'],
  ['EDQUOT', 'STORE_FULL'],
  ['EROFS', 'STORE_UNAVAILABLE'],
  ['EACCES', 'STORE_UNAVAILABLE'],
  ['EIO', 'STORE_UNAVAILABLE'],
  ['ENOTDIR', 'STORE_UNAVAILABLE'],
  ['ESTALE', 'STORE_UNAVAILABLE'],
  ['EWHATEVER', 'STORE_UNAVAILABLE'],
  ['ENOENT', 'NOT_FOUND'],
  ['EEXIST', 'CONFLICT'],
  ['ENAMETOOLONG', 'BAD_INPUT'],
])('reports %s as %s, and names the object and the store', (errno, code) => {
  const error = storeError('write', place, errorOf(errno))
  expect(error.code).toBe(code)
  expect(error.message).toMatch(/^Cannot write "10\.0\.0\.1\/x" in the store \/store: /)
  expect(error.facts).toEqual({ object: '10.0.0.1/x', errno })
})

it('recognizes an exceeded quota, for which Node has no name', () => {
  const error = Object.assign(new Error('Unknown system error -122, fsync'), { errno: -122 })
  expect(storeError('sync', place, error).code).toBe('STORE_FULL')
})

it('keeps an error that is already for people', () => {
  const known = new BackupdError('CONFLICT', 'known')
  expect(storeError('write', place, known)).toBe(known)
})

it('names only the store if there is no object', () => {
  const { message } = storeError('use', { dir: '/store', name: '' }, errorOf('EROFS'))
  expect(message).toBe('Cannot use the store /store: it is read-only. Check its mount and its permissions')
})
