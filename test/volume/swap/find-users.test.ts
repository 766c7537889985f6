import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { findUsers } from '../../../src/volume/swap/find-users.ts'
import { given } from '../../support/given.ts'
import { hold } from '../../support/holder.ts'
import { fillOld } from '../../support/swap-content.ts'
import { canMount } from '../../support/tmpfs.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

const SAY_READY = 'process.stdout.write("ready"); setInterval(() => {}, 1e9)'

function holdWithNode(script: string, cwd?: string) {
  return hold(process.execPath, ['-e', `${script}; ${SAY_READY}`], cwd)
}

async function usersOf(volume: string, holder: Awaited<ReturnType<typeof hold>>) {
  onTestFinished(() => holder.end())
  const { users } = await findUsers(volume)
  return users.filter(({ pid }) => pid === holder.pid)
}

test('an unused volume has no users, and our own process does not count', async () => {
  const { volume } = oldVolume.onDisk()
  const fd = openSync(`${volume}/both`, 'r')
  expect((await findUsers(volume)).users).toEqual([])
  closeSync(fd)
})

test('a working directory in the volume counts', async () => {
  const { volume } = oldVolume.onDisk()
  const holder = await holdWithNode('', `${volume}/was a folder/deep`)
  expect(await usersOf(volume, holder)).toEqual([
    { pid: holder.pid, command: expect.any(String), what: 'working directory was a folder/deep' },
  ])
})

test('an open file, a name that is not text, and an open directory count', async () => {
  const { volume } = oldVolume.onDisk()
  const script = (path: string) =>
    `require("fs").openSync(Buffer.from("${Buffer.from(path, 'latin1').toString('hex')}", "hex"))`
  const file = await holdWithNode(script(`${volume}/both`))
  expect(await usersOf(volume, file)).toMatchObject([{ what: 'open file both' }])
  const bytes = await holdWithNode(script(`${volume}/bytes-\xff\n"`))
  expect(await usersOf(volume, bytes)).toHaveLength(1)
  const folder = await holdWithNode(script(volume))
  expect(await usersOf(volume, folder)).toMatchObject([{ what: 'open file' }])
})

test('a removed file that is still open counts', async () => {
  const { volume } = oldVolume.onDisk()
  const script = `const fs = require("fs"); fs.openSync("${volume}/both"); fs.unlinkSync("${volume}/both")`
  expect(await usersOf(volume, await holdWithNode(script))).toMatchObject([
    { what: 'open file both (deleted)' },
  ])
})

test('a mapped file that is no longer open counts', async () => {
  const { volume } = oldVolume.onDisk()
  execFileSync('cp', ['/bin/sleep', `${volume}/program`])
  const holder = await hold('/bin/sh', ['-c', `echo ready; exec "${volume}/program" 1000`])
  // `ready` is said before the exec: wait for the program itself.
  let users = await usersOf(volume, holder)
  for (let tries = 0; tries < 1000 && users.length === 0; tries++) users = await usersOf(volume, holder)
  expect(users).toEqual([{ pid: holder.pid, command: 'program', what: 'mapped file program' }])
})

test('a volume with a similar name beside it does not count', async () => {
  const { parent, volume } = oldVolume.onDisk()
  mkdirSync(`${parent}/db2`)
  writeFileSync(`${parent}/db2/file`, '')
  expect(await usersOf(volume, await holdWithNode('', `${parent}/db2`))).toEqual([])
})

test.skipIf(!canMount)(
  'a process that sees the volume under another path, as in a container, counts (needs mounts)',
  async () => {
    const { base, volume } = oldVolume.onDisk()
    mkdirSync(`${base}/inside`)
    const script = `mount --bind "${volume}" "${base}/inside" && cd "${base}/inside/was a folder" && echo ready && exec sleep 1000`
    const holder = await hold('unshare', ['--mount', 'sh', '-c', script])
    expect(await usersOf(volume, holder)).toMatchObject([{ what: 'working directory was a folder' }])
  },
)

test.skipIf(!canMount)(
  'a process with another root in which the volume is mounted counts (needs mounts)',
  async () => {
    const { base, volume } = oldVolume.onDisk()
    for (const name of ['bin', 'lib', 'lib64', 'usr', 'data'])
      mkdirSync(`${base}/root/${name}`, { recursive: true })
    const binds = ['bin', 'lib', 'lib64', 'usr']
      .map((name) => `mount --rbind /${name} ${base}/root/${name}`)
      .join(' && ')
    const inside = `exec 3<"/data/both" && echo ready && exec sleep 1000`
    const script = `${binds} && mount --bind "${volume}" "${base}/root/data" && exec chroot "${base}/root" /bin/sh -c '${inside}'`
    const holder = await hold('unshare', ['--mount', 'sh', '-c', script])
    expect(await usersOf(volume, holder)).toMatchObject([{ what: 'open file both' }])
  },
)

/** As a user who may not look into the processes of root. */
async function findAsNobody(volume: string) {
  process.seteuid?.(65_534)
  try {
    return await findUsers(volume)
  } finally {
    process.seteuid?.(0)
  }
}

test.skipIf(process.getuid?.() !== 0)(
  'a process that may not be inspected counts as unseen (needs root)',
  async () => {
    const { volume } = oldVolume.onDisk()
    const holder = await holdWithNode('', volume)
    onTestFinished(() => holder.end())
    const { users, unseen } = await findAsNobody(volume)
    expect(users).toEqual([])
    expect(unseen).toContainEqual({ pid: holder.pid, command: expect.any(String) })
  },
)

/** Goes 25 folders down, each with a name of 200 bytes: further than a link in /proc can tell. */
const GO_DEEP = `const fs = require("fs")
for (let n = 0; n < 25; n++) {
  fs.mkdirSync("x".repeat(200), { recursive: true })
  process.chdir("x".repeat(200))
}`

/** As Node cannot take such a tree away. */
function makeDeepWorld() {
  const world = oldVolume.onDisk()
  onTestFinished(() => void execFileSync('rm', ['-rf', world.base]))
  return world
}

test('a path too long to be read ends nothing, and other files of the process are found', async () => {
  const { base, volume } = makeDeepWorld()
  const before = (await findUsers(volume)).unseen.length
  const deep = await holdWithNode(`${GO_DEEP}; fs.openSync("file", "w")`, base)
  expect(await usersOf(volume, deep)).toEqual([])
  expect((await findUsers(volume)).unseen.length).toBe(before + 1)
  const both = await holdWithNode(`${GO_DEEP}; fs.openSync("${volume}/both")`, base)
  expect(await usersOf(volume, both)).toMatchObject([{ what: 'open file both' }])
})

test.skipIf(!canMount)(
  'a path too long to be read in a container counts by its mount, or not at all (needs mounts)',
  async () => {
    const { base, volume, parent } = makeDeepWorld()
    const other = `${parent}/other`
    for (const folder of [`${base}/inside`, other]) mkdirSync(folder)
    const before = (await findUsers(volume)).unseen.length
    const container = (mounted: string) => {
      const node = `"${process.execPath}" -e '${GO_DEEP}; ${SAY_READY}'`
      const script = `mount --bind "${mounted}" "${base}/inside" && cd "${base}/inside" && exec ${node}`
      return hold('unshare', ['--mount', 'sh', '-c', script])
    }
    expect(await usersOf(volume, await container(volume))).toMatchObject([
      { what: 'working directory whose path is too long to be read' },
    ])
    expect(await usersOf(volume, await container(other))).toEqual([])
    expect((await findUsers(volume)).unseen.length).toBe(before)
  },
)
