import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Progress } from '../../src/wire/record.ts'
import { given } from '../support/given.ts'
import { mountOverlay, run } from '../support/refused-renames.ts'
import { itMounts, smallFileSystem } from '../support/small-file-system.ts'
import { contentOf } from '../support/swap-content.ts'

const IN_PLACE = { onRefusedRename: 'in-place' }

itMounts('a disk that is too full for a copy in place is noticed before the first change', async () => {
  const { volume, world, backUp, recover, room } = await makeFullWorld()
  const { result } = await backUp()
  const keep = join(volume, 'big')
  const before = contentOf(volume)
  room.fillUpTo(3)
  await expect(recover(result.file ?? '', { destDir: volume, ...IN_PLACE }, world)).rejects.toMatchObject({
    code: 'NO_ROOM',
  })
  expect(contentOf(volume).tree).toEqual(before.tree)
  expect(existsSync(keep)).toBe(true)
})

itMounts('a disk that fills up during a copy in place locks the volume until there is room', async () => {
  const { volume, world, backUp, recover, room } = await makeFullWorld()
  const { result } = await backUp()
  let isCopying = false
  const progress = ({ phase, bytesDone = 0 }: Partial<Progress>) => {
    if (isCopying && bytesDone > 0) room.fillUpTo(0)
    isCopying = bytesDone === 0 && (isCopying || phase === 'copy')
  }
  const args = { destDir: volume, ...IN_PLACE }
  await expect(recover(result.file ?? '', args, { ...world, progress })).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
    message: expect.stringMatching(/file system is full.*neither the old nor the new/),
  })
  await expect(recover(result.file ?? '', args, world)).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  room.free()
  await expectLockedUntilRecovered({ volume, world, file: result.file ?? '', backUp, recover })
  expect(readFileSync(join(volume, 'big')).equals(Buffer.alloc(4 << 20, 'b'))).toBe(true)
})

type FullWorld = Omit<Awaited<ReturnType<typeof makeFullWorld>>, 'room'>

/** Neither a backup nor a plan finishes a copy in place, nor does a recover while a process uses the volume. */
async function expectLockedUntilRecovered({
  volume,
  world,
  file,
  backUp,
  recover,
}: FullWorld & { file: string }) {
  const args = { destDir: volume, ...IN_PLACE }
  writeFileSync(join(volume, 'written since'), '')
  const refused = {
    code: 'VOLUME_LOCKED',
    message: expect.stringContaining('recover it or restart the daemon'),
  }
  await expect(backUp()).rejects.toMatchObject(refused)
  await expect(recover(file, { ...args, plan: true }, world)).rejects.toMatchObject(refused)
  const user = spawn('sleep', ['60'], { cwd: volume })
  onTestFinished(() => void user.kill())
  await once(user, 'spawn')
  await expect(recover(file, args, world)).rejects.toMatchObject({
    code: 'VOLUME_LOCKED',
    message: expect.stringMatching(/in use by process .*sleep/),
  })
  expect(existsSync(join(volume, 'written since'))).toBe(true)
  user.kill()
  await once(user, 'exit')
  const again = await recover(file, args, world)
  expect(again.warnings).toContainEqual(expect.stringContaining('it went forward'))
}

/** An overlay whose upper layer is small: 16 MiB, of which the volume has 4. */
async function makeFullWorld() {
  const { dir } = smallFileSystem(16 * 1024)
  const volume = mountOverlay(dir)
  onTestFinished(() => run('umount', '-l', volume))
  const { settings, backUp, recover } = await given.app('shop').proc('web').volume('/data/db').plugins()
  const world = { settings: { ...settings, allowPaths: [volume] } }
  writeFileSync(join(volume, 'big'), Buffer.alloc(4 << 20, 'b'))
  const filler = join(dir, 'filler')
  const room = {
    fillUpTo(mib: number) {
      const { bavail, bsize } = statfsSync(dir)
      writeFileSync(filler, Buffer.alloc(Math.max(bavail * bsize - mib * (1 << 20), 0)))
    },
    free: () => rmSync(filler),
  }
  return { volume, world, recover, room, backUp: () => backUp({ path: volume }, world) }
}
