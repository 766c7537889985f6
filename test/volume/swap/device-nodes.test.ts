import fs, { mkdirSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { O_PATH } from '../../../src/lib/kernel/open.ts'
import { loadKernel } from '../../../src/lib/kernel.ts'
import { openFolder } from '../../../src/volume/swap/folder.ts'
import { protectListed, withProtectedList } from '../../../src/volume/swap/protected-list.ts'
import { isProtected, withoutProtection } from '../../../src/volume/swap/unprotect.ts'
import { given } from '../../support/given.ts'
import { noFlags, run } from '../../support/refused-renames.ts'
import { fillOld } from '../../support/swap-content.ts'

const oldVolume = given.volume('/data/db').files(fillOld)

const EPERM = Object.assign(new Error('EPERM'), { code: 'EPERM' })

/** What was opened for more than its name, as the end of its path, until the test ends. */
function recordOpens(): string[] {
  const opened: string[] = []
  const { openSync } = fs
  const record = (fd: number, flags: unknown) => {
    if (!(Number(flags) & O_PATH)) opened.push(readlinkSync(`/proc/self/fd/${fd}`).split('/').at(-1) ?? '')
    return fd
  }
  vi.spyOn(fs, 'openSync').mockImplementation((...given) => record(openSync(...given), given[1]))
  const kernel = loadKernel()
  if (kernel) {
    const { openBeneath } = kernel
    vi.spyOn(kernel, 'openBeneath').mockImplementation((...given) => record(openBeneath(...given), given[2]))
  }
  syncBuiltinESMExports()
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
  return opened
}

function makeNodes() {
  const world = oldVolume.onDisk()
  const [device, fifo] = [join(world.volume, 'device'), join(world.volume, 'fifo')]
  run('mknod', device, 'c', '1', '3')
  run('mknod', fifo, 'p')
  return { ...world, nodes: [Buffer.from(device), Buffer.from(fifo)] }
}

const testNodes = test.skipIf(noFlags)

testNodes(`a device node is never opened to see its flags (${noFlags ?? 'needs chattr'})`, () => {
  const { nodes } = makeNodes()
  const opened = recordOpens()
  for (const node of nodes) {
    expect(isProtected(node)).toBe(false)
    const refused = () => {
      throw EPERM
    }
    expect(() => withoutProtection(node, refused)).toThrow(EPERM)
  }
  for (const name of ['device', 'fifo']) expect(opened).not.toContain(name)
})

testNodes(
  `a device node in the place of a protected file is not opened (${noFlags ?? 'needs chattr'})`,
  async () => {
    const { base, volume } = makeNodes()
    const place = join(base, 'list')
    mkdirSync(place)
    await withProtectedList(place, async (list) => list.add(Buffer.from('device'), 0x10))
    await using staging = await openFolder(place)
    await using top = await openFolder(volume)
    const opened = recordOpens()
    const warnings: string[] = []
    expect(await protectListed({ staging, top, warn: (message) => void warnings.push(message) })).toBe(true)
    expect(warnings).toEqual([expect.stringContaining('"device" (ENOTSUP)')])
    expect(opened).not.toContain('device')
  },
)

testNodes(`files and directories are still seen and freed (${noFlags ?? 'needs chattr'})`, () => {
  const { volume } = oldVolume.onDisk()
  const [file, folder] = [join(volume, 'file'), join(volume, 'folder')]
  writeFileSync(file, '')
  mkdirSync(folder)
  run('chattr', '+i', file, folder)
  onTestFinished(() => run('chattr', '-R', '-i', volume))
  for (const path of [file, folder]) expect(isProtected(Buffer.from(path))).toBe(true)
  withoutProtection(Buffer.from(file), () => unlinkSync(file))
  expect(fs.existsSync(file)).toBe(false)
})
