import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { recoverPlugin } from '../../../../src/engine/plugins/backup_recover/plugin.ts'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { claimVolume } from '../../../../src/volume/swap/volume-claim.ts'
import { given } from '../../../support/given.ts'
import { hold } from '../../../support/holder.ts'
import { recoverArgs, SERVER } from '../../../support/plugin-args.ts'
import { contentOf } from '../../../support/swap-content.ts'
import { canMount, mountTmpfs } from '../../../support/tmpfs.ts'

const shop = given.app('shop').proc('web').volume('/data/db')

/** A volume with a backup of it, changed since. */
async function makeBackedUpWorld() {
  const world = await shop.plugins()
  for (let n = 0; n < 50; n++) writeFileSync(`${world.volume}/${n}`, randomBytes(10_000))
  const { result } = await world.backUp()
  writeFileSync(`${world.volume}/since`, 'made since')
  const name = result.file ?? ''
  const untouched = contentOf(world.volume)
  const expectUntouched = () => {
    expect(contentOf(world.volume)).toEqual(untouched)
    expect(readdirSync(world.parent)).toEqual(['db'])
    expect(readdirSync(`${world.dataDir}/recovers`).filter((file) => file.endsWith('.json'))).toEqual([])
  }
  return { ...world, name, archive: `${world.storeDir}/${SERVER}/${name}`, expectUntouched }
}

test.each([
  [{ files: [] }, '"files" is empty'],
  [{ files: ['../a'] }, 'is not a path in a backup'],
  [{ namespace: '../10.0.0.1' }, 'not an IP address'],
  [{ destDir: 'relative' }, 'expected an absolute path'],
  [{ destDir: '/data/db/..' }, 'expected an absolute path'],
  [{ inUse: 'maybe' }, 'inUse'],
])('args are refused: %j', (change, message) => {
  expect(() => recoverPlugin.parseArgs({ ...recoverArgs('db-1795423489.tar.gz'), ...change })).toThrow(
    message,
  )
})

test('a missing backup and a forbidden destination are refused', async () => {
  const world = await makeBackedUpWorld()
  await expect(world.recover('db-1.tar.gz')).rejects.toMatchObject({
    code: expect.stringMatching(/NOT_FOUND|BAD_INPUT/),
  })
  await expect(world.recover('shop-x-1795423489.tar.gz')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(world.recover(world.name, { destDir: '/etc' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  const nowhere = `${world.volumeRoot}/none/none`
  await expect(world.recover(world.name, { destDir: nowhere })).rejects.toMatchObject({
    code: 'VOLUME_MISSING',
  })
  world.expectUntouched()
})

test('chosen files of a full backup are put in place, and the rest is left alone', async () => {
  const world = await makeBackedUpWorld()
  for (const path of ['3', '4']) writeFileSync(`${world.volume}/${path}`, 'changed since')
  const { state, result } = await world.recover(world.name, { files: ['3', '/7'] })
  expect({ state, ...result }).toEqual({
    state: 'success',
    entriesRestored: 3,
    filesRestored: 2,
    bytesRestored: 20_000,
  })
  expect(readFileSync(`${world.volume}/3`)).toHaveLength(10_000)
  expect(readFileSync(`${world.volume}/4`, 'utf8')).toBe('changed since')
  expect(readdirSync(world.volume)).toHaveLength(51)
  expect(readdirSync(world.parent)).toEqual(['db'])
})

test.each([true, false])('a plan says what would be done, and does nothing (index: %s)', async (hasIndex) => {
  const world = await makeBackedUpWorld()
  writeFileSync(`${world.volume}/3`, 'changed since')
  rmSync(`${world.volume}/4`)
  if (!hasIndex) rmSync(`${world.archive}.index.gz`)
  const before = contentOf(world.volume)
  const { state, result } = await world.recover(world.name, { plan: true })
  const plan = { create: 1, overwrite: 1, delete: 1, unchanged: 48, bytes: 20_000, more: false }
  expect({ state, plan: result.plan }).toMatchObject({ state: 'success', plan })
  expect(result.plan?.steps).toEqual([
    { action: 'create', path: '4', bytes: 10_000 },
    { action: 'overwrite', path: '3', bytes: 10_000 },
    { action: 'delete', path: 'since', bytes: expect.any(Number) },
  ])
  const chosen = await world.recover(world.name, { plan: true, files: ['3', 'nowhere'] })
  expect(chosen).toMatchObject({
    state: 'partial',
    warnings: ['nowhere: is not in the backup'],
    result: { plan: { create: 0, overwrite: 1, delete: 0, unchanged: 0, bytes: 10_000 } },
  })
  expect(contentOf(world.volume)).toEqual(before)
})

test('files that are not in the backup are named, and refused if none is', async () => {
  const world = await makeBackedUpWorld()
  await expect(world.recover(world.name, { files: ['none', 'nor/this'] })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('"none", "nor/this"'),
  })
  await expect(world.recover(world.name, { snapshot: 'abc' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  world.expectUntouched()
  const { state, warnings } = await world.recover(world.name, { files: ['3', 'none'] })
  expect({ state, warnings }).toEqual({ state: 'partial', warnings: ['none: is not in the backup'] })
})

test('one flipped byte gives ARCHIVE_CORRUPT with the step, marks the backup, and leaves the volume untouched', async () => {
  const world = await makeBackedUpWorld()
  const fd = openSync(world.archive, 'r+')
  const at = Math.floor(readFileSync(world.archive).length / 2)
  const byte = readFileSync(world.archive)[at] ?? 0
  writeSync(fd, Buffer.from([byte ^ 1]), 0, 1, at)
  closeSync(fd)
  await expect(world.recover(world.name)).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    facts: { step: 'unpack' },
  })
  const { corrupt } = JSON.parse(readFileSync(`${world.archive}.manifest.json`, 'utf8'))
  expect(corrupt.reason).toMatch(/The archive is/)
  world.expectUntouched()
})

test('a truncated archive gives ARCHIVE_CORRUPT and leaves the volume untouched', async () => {
  const world = await makeBackedUpWorld()
  truncateSync(world.archive, 5000)
  await expect(world.recover(world.name)).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  world.expectUntouched()
})

test('names that lead out give ARCHIVE_UNSAFE, and nothing is written', async () => {
  const world = await makeBackedUpWorld()
  const name = 'shop-evil-1795423489.tar.gz'
  writeFileSync(`${world.base}/evil`, 'x')
  mkdirSync(`${world.base}/db`)
  execFileSync('tar', [
    '-zcPf',
    `${world.storeDir}/${SERVER}/${name}`,
    '-C',
    world.base,
    'db',
    '--transform',
    's,evil,db/../../../evil,',
    'evil',
  ])
  await expect(world.recover(name, { destDir: world.volume })).rejects.toMatchObject({
    code: 'ARCHIVE_UNSAFE',
  })
  world.expectUntouched()
})

test('a cancelled unpacking removes the staging folder and leaves the volume untouched', async () => {
  const world = await makeBackedUpWorld()
  const cancel = new AbortController()
  const reason = new BackupdError('CANCELLED', 'cancelled')
  const progress = ({ filesDone }: { filesDone?: number }) => void (filesDone === 10 && cancel.abort(reason))
  await expect(world.recover(world.name, {}, { signal: cancel.signal, progress })).rejects.toBe(reason)
  world.expectUntouched()
})

test('a process in the volume refuses the recover with its pid, unless it may proceed', async () => {
  const world = await makeBackedUpWorld()
  const holder = await hold('/bin/sh', ['-c', 'echo ready; read x'], world.volume)
  onTestFinished(() => holder.end())
  await expect(world.recover(world.name)).rejects.toMatchObject({
    code: 'VOLUME_IN_USE',
    message: expect.stringContaining(`process ${holder.pid} (sh: working directory)`),
    facts: { count: 1 },
  })
  world.expectUntouched()
  const { state, warnings } = await world.recover(world.name, { inUse: 'proceed' })
  expect(state).toBe('success')
  expect(warnings[0]).toContain(`process ${holder.pid}`)
  expect(readdirSync(world.volume)).not.toContain('since')
})

test('a process that appears during unpacking is found before the swap', async () => {
  const world = await makeBackedUpWorld()
  let holder: ReturnType<typeof hold> | undefined
  const progress = ({ phase }: { phase?: string }) => {
    if (phase === 'unpack') holder = hold('/bin/sh', ['-c', 'echo ready; read x'], world.volume)
  }
  const result = world.recover(world.name, {}, { progress })
  await expect(result).rejects.toMatchObject({
    code: 'VOLUME_IN_USE',
    facts: { step: 'look for users again' },
  })
  await (await holder)?.end()
  world.expectUntouched()
})

test('one of two simultaneous recovers of a volume is refused', async () => {
  const world = await makeBackedUpWorld()
  const results = await Promise.allSettled([world.recover(world.name), world.recover(world.name)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find((result) => result.status === 'rejected')).toMatchObject({
    reason: { code: 'CONFLICT' },
  })
  expect(readdirSync(world.volume)).toHaveLength(50)
  await using _claim = await claimVolume(world.dataDir, world.volume)
})

test.skipIf(!canMount)('room is checked first, with both numbers (needs mounts)', async () => {
  const world = await makeBackedUpWorld()
  const small = `${world.volumeRoot}/small`
  onTestFinished(mountTmpfs(small, 'size=256k'))
  await expect(world.recover(world.name, { destDir: small })).rejects.toMatchObject({
    code: 'NO_ROOM',
    message: expect.stringMatching(/needs \d{6} bytes besides the present content, and \d{6} are free/),
    facts: { step: 'check for room' },
  })
  expect(readdirSync(small)).toEqual([])
})

test.skipIf(!canMount)(
  'a disk that becomes full during unpacking gives NO_ROOM and keeps nothing (needs mounts)',
  async () => {
    const world = await makeBackedUpWorld()
    const small = `${world.volumeRoot}/small`
    onTestFinished(mountTmpfs(small, 'size=1m'))
    writeFileSync(`${small}/there`, 'x')
    // Without a manifest only the compressed size is known beforehand.
    const name = 'shop-zeros-1795423489.tar.gz'
    mkdirSync(`${world.base}/db`)
    writeFileSync(`${world.base}/db/zeros`, Buffer.alloc(4 << 20))
    execFileSync('tar', ['-zcf', `${world.storeDir}/${SERVER}/${name}`, '-C', world.base, 'db'])
    await expect(world.recover(name, { destDir: small })).rejects.toMatchObject({
      code: 'NO_ROOM',
      facts: { step: 'unpack' },
    })
    expect(readdirSync(small)).toEqual(['there'])
  },
)

test('a partial backup is recovered with a warning', async () => {
  const world = await shop.plugins()
  writeFileSync(`${world.volume}/file`, 'content')
  const { result } = await world.backUp({ preRun: 'quiesce.sh' })
  const { state, warnings } = await world.recover(result.file ?? '')
  expect(state).toBe('success')
  expect(warnings).toEqual([expect.stringContaining('the backup is partial')])
})

test('the engine is told which path the run needs, if it is given', () => {
  const settings = {} as Parameters<typeof recoverPlugin.needs>[1]
  const args = recoverPlugin.parseArgs(recoverArgs('db-1795423489.tar.gz'))
  expect(recoverPlugin.needs(args, settings)).toEqual([])
  expect(recoverPlugin.needs({ ...args, destDir: '/data/db' }, settings)).toEqual(['/data/db'])
})
