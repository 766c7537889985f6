import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  checkVolumePath,
  isUnder,
  resolveExistingVolume,
  resolveVolume,
} from '../../src/lib/allowed-paths.ts'

function makeWorld() {
  const base = mkdtempSync(join(tmpdir(), 'backupd-allowed-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  for (const name of ['root/app/db', 'allowed/db', 'secret/db'])
    mkdirSync(join(base, name), { recursive: true })
  writeFileSync(join(base, 'root/file'), '')
  return { base, roots: { volumeRoot: join(base, 'root'), allowPaths: [join(base, 'allowed')] } }
}

test('under the root and under an allowed path', async () => {
  const { base, roots } = makeWorld()
  expect(await resolveVolume(`${base}/root/app/db/`, roots)).toEqual({
    path: `${base}/root/app/db`,
    exists: true,
  })
  expect(await resolveVolume(`${base}/allowed`, roots)).toEqual({ path: `${base}/allowed`, exists: true })
  expect(await resolveVolume(`${base}/allowed/new`, roots)).toEqual({
    path: `${base}/allowed/new`,
    exists: false,
  })
})

test('a name that only starts like the root is outside', async () => {
  const { base, roots } = makeWorld()
  mkdirSync(`${base}/root2`)
  await expect(resolveVolume(`${base}/root2`, roots)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(isUnder('/data', '/')).toBe(true)
})

test('links are followed before it is decided, in the roots too', async () => {
  const { base, roots } = makeWorld()
  symlinkSync(`${base}/secret`, `${base}/root/out`)
  symlinkSync(`${base}/allowed/db`, `${base}/root/across`)
  symlinkSync(`${base}/root`, `${base}/alias`)
  await expect(resolveVolume(`${base}/root/out/db`, roots)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining('--allow-path'),
  })
  await expect(resolveVolume(`${base}/root/out/new`, roots)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect((await resolveVolume(`${base}/root/across`, roots)).path).toBe(`${base}/allowed/db`)
  const aliased = { volumeRoot: `${base}/alias`, allowPaths: [] }
  expect((await resolveVolume(`${base}/alias/app/db`, aliased)).path).toBe(`${base}/root/app/db`)
})

test('missing parents, files and dangling links are no volumes', async () => {
  const { base, roots } = makeWorld()
  symlinkSync('nowhere', `${base}/root/dangling`)
  for (const path of ['none/none', 'file', 'file/db', 'dangling']) {
    await expect(resolveVolume(`${base}/root/${path}`, roots)).rejects.toMatchObject({
      code: 'VOLUME_MISSING',
    })
  }
  await expect(resolveExistingVolume(`${base}/root/none`, roots)).rejects.toMatchObject({
    code: 'VOLUME_MISSING',
  })
})

test.each(['', 'data', './data', '/data/../etc', '/data/./db', '/data//db', '/', '/data\0/etc'])(
  '%j is no volume path',
  (path) => {
    expect(() => checkVolumePath(path)).toThrow()
  },
)
