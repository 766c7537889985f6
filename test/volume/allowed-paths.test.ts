import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type AllowedRoots,
  checkVolumePath,
  isUnder,
  resolveExistingVolume,
  resolveVolume,
} from '../../src/volume/allowed-paths.ts'

/** Resolved, and held until the test ends. */
async function resolve(path: string, roots: AllowedRoots) {
  const volume = await resolveVolume(path, roots)
  onTestFinished(() => volume[Symbol.dispose]())
  return volume
}

function makeWorld() {
  const base = mkdtempSync(join(tmpdir(), 'backupd-allowed-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
  for (const name of ['root/app/db', 'allowed/db', 'secret/db'])
    mkdirSync(join(base, name), { recursive: true })
  writeFileSync(join(base, 'root/file'), '')
  return { base, roots: { volumeRoot: join(base, 'root'), allowPaths: [join(base, 'allowed')] } }
}

test('a volume below the root and below an allowed path is accepted', async () => {
  const { base, roots } = makeWorld()
  expect(await resolve(`${base}/root/app/db/`, roots)).toMatchObject({
    path: `${base}/root/app/db`,
    exists: true,
  })
  expect(await resolve(`${base}/allowed`, roots)).toMatchObject({ path: `${base}/allowed`, exists: true })
  expect(await resolve(`${base}/allowed/new`, roots)).toMatchObject({
    path: `${base}/allowed/new`,
    exists: false,
  })
})

test('a similar name beside the root is outside', async () => {
  const { base, roots } = makeWorld()
  mkdirSync(`${base}/root2`)
  await expect(resolveVolume(`${base}/root2`, roots)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(isUnder('/data', '/')).toBe(true)
})

test('a link below a root is refused with its target, one above a root is followed', async () => {
  const { base, roots } = makeWorld()
  symlinkSync(`${base}/secret`, `${base}/root/out`)
  symlinkSync(`${base}/allowed/db`, `${base}/root/across`)
  symlinkSync(`${base}/root`, `${base}/alias`)
  await expect(resolveVolume(`${base}/root/out/db`, roots)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining(`symbolic link to "${base}/secret/db"`),
  })
  await expect(resolveVolume(`${base}/root/out/new/db`, roots)).rejects.toThrow()
  await expect(resolveVolume(`${base}/root/across`, roots)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining(`symbolic link to "${base}/allowed/db"`),
  })
  const aliased = { volumeRoot: `${base}/alias`, allowPaths: [] }
  for (const path of [`${base}/alias/app/db`, `${base}/root/app/db`])
    expect((await resolve(path, aliased)).path).toBe(`${base}/root/app/db`)
  expect((await resolve(`${base}/alias/app/db`, roots)).path).toBe(`${base}/root/app/db`)
  await expect(
    resolveVolume(`${base}/alias`, { ...aliased, volumeRoot: `${base}/alias` }),
  ).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringContaining(`symbolic link to "${base}/root"`),
  })
})

test('a path outside all roots is refused with its target', async () => {
  const { base, roots } = makeWorld()
  symlinkSync(`${base}/secret`, `${base}/link`)
  for (const path of [`${base}/secret/db`, `${base}/link/db`, `${base}/secret/none/none`])
    await expect(resolveVolume(path, roots)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('--allow-path'),
      facts: { path: path.replace('/link', '/secret') },
    })
})

test('a root below a directory that others can change is opened from that directory, without links', async () => {
  const { base, roots } = makeWorld()
  mkdirSync(`${base}/shared/root/db`, { recursive: true })
  symlinkSync(`${base}/secret`, `${base}/shared/link`)
  symlinkSync(`${base}/shared/root`, `${base}/alias`)
  const shared = { ...roots, allowPaths: [`${base}/alias`, `${base}/shared/link`] }
  for (const mode of [0o755, 0o777, 0o757, 0o1777]) {
    chmodSync(`${base}/shared`, mode)
    for (const path of ['shared/root/db', 'alias/db', 'shared/root'])
      expect(await resolve(`${base}/${path}`, shared)).toMatchObject({ exists: true })
    await expect(resolveVolume(`${base}/shared/other`, shared)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  }
  chmodSync(`${base}/shared`, 0o777)
  for (const path of ['', '/db'])
    await expect(resolveVolume(`${base}/shared/link${path}`, shared)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      facts: { path: `${base}/secret${path}` },
    })
  await expect(resolveVolume(`${base}/secret/db`, shared)).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a link that leads out of a directory that others can change is not followed', async () => {
  const { base, roots } = makeWorld()
  mkdirSync(`${base}/shared/x`, { recursive: true })
  chmodSync(`${base}/shared`, 0o777)
  symlinkSync('shared/x/../../secret', `${base}/out`)
  const out = { ...roots, allowPaths: [`${base}/out`] }
  await expect(resolveVolume(`${base}/out/db`, out)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    facts: { path: `${base}/shared` },
  })
})

test('an allowed root inside another does not allow a link in the outer one', async () => {
  const { base, roots } = makeWorld()
  const nested = { ...roots, allowPaths: [`${base}/root/app/db`] }
  rmSync(`${base}/root/app/db`, { recursive: true })
  symlinkSync(`${base}/secret/db`, `${base}/root/app/db`)
  await expect(resolveVolume(`${base}/root/app/db`, nested)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(resolveVolume(`${base}/secret/db`, nested)).rejects.toMatchObject({ code: 'FORBIDDEN' })
})

test('a held volume stays the same directory, whatever its path leads to', async () => {
  const { base, roots } = makeWorld()
  const held = await resolve(`${base}/root/app/db`, roots)
  writeFileSync(`${base}/root/app/db/own`, '')
  renameSync(`${base}/root/app`, `${base}/root/moved`)
  symlinkSync(`${base}/secret`, `${base}/root/app`)
  expect(readdirSync(held.place)).toEqual(['own'])
  expect(readdirSync(held.parent)).toEqual(['db'])
  expect(held.currentPath()).toBe(`${base}/root/moved/db`)
})

test('missing parents, files and dangling links are not volumes', async () => {
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
  '%j is not a volume path',
  (path) => {
    expect(() => checkVolumePath(path)).toThrow()
  },
)

describe.skipIf(process.getuid?.() !== 0)('other users (needs root)', () => {
  /** Links are followed only through what others cannot change. */
  async function isTrusted(mode: number, [uid, gid]: [number, number], user?: number): Promise<boolean> {
    const { base, roots } = makeWorld()
    mkdirSync(`${base}/shared`)
    symlinkSync(`${base}/allowed`, `${base}/shared/link`)
    chmodSync(`${base}/shared`, mode)
    chownSync(`${base}/shared`, uid, gid)
    if (user !== undefined) {
      vi.spyOn(process, 'geteuid').mockReturnValue(user)
      vi.spyOn(process, 'getegid').mockReturnValue(user)
      onTestFinished(() => void vi.restoreAllMocks())
    }
    return await resolve(`${base}/shared/link/db`, roots).then(
      () => true,
      () => false,
    )
  }

  test('do not include group 0 if the daemon runs as root', async () => {
    expect(await isTrusted(0o775, [0, 0])).toBe(true)
    expect(await isTrusted(0o775, [0, 12345])).toBe(false)
    expect(await isTrusted(0o777, [0, 0])).toBe(false)
    expect(await isTrusted(0o755, [12345, 0])).toBe(false)
  })

  test("do not include the private group of the daemon's user", async () => {
    expect(await isTrusted(0o775, [1234, 1234], 1234)).toBe(true)
    expect(await isTrusted(0o775, [1234, 1235], 1234)).toBe(false)
    expect(await isTrusted(0o775, [0, 0], 1234)).toBe(false)
  })
})
