import {
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { given } from '../support/given.ts'

const OWNER = 12345

/** A volume below a directory of another user, which is allowed itself, as standalone does with its inventory's. */
async function makeLayout() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const home = join(world.base, 'home')
  const volume = join(home, '16/main')
  const elsewhere = join(world.base, 'elsewhere')
  for (const folder of [volume, join(elsewhere, 'main')]) mkdirSync(folder, { recursive: true })
  for (const folder of [volume, join(elsewhere, 'main')]) writeFileSync(join(folder, 'own'), folder)
  chownSync(home, OWNER, OWNER)
  world.settings.allowPaths = [volume]
  return { ...world, home, volume, elsewhere }
}

describe.skipIf(process.getuid?.() !== 0)('a volume below a directory of another user (needs root)', () => {
  test('is backed up and recovered', async () => {
    const { backUp, recover, volume } = await makeLayout()
    const { result, state } = await backUp({ path: volume })
    expect(state).toBe('success')
    writeFileSync(join(volume, 'own'), 'changed')
    const recovered = await recover(result.file ?? '', { destDir: volume })
    expect(recovered.state).toBe('success')
    expect(readFileSync(join(volume, 'own'), 'utf8')).toBe(volume)
  })

  test('is refused if a symbolic link leads to it, and the real path is named', async () => {
    const { backUp, recover, volume, home, elsewhere } = await makeLayout()
    const { result } = await backUp({ path: volume })
    renameSync(join(home, '16'), join(home, 'moved'))
    symlinkSync(elsewhere, join(home, '16'))
    const refused = { code: 'FORBIDDEN', message: expect.stringContaining(join(elsewhere, 'main')) }
    await expect(backUp({ path: volume })).rejects.toMatchObject(refused)
    await expect(recover(result.file ?? '', { destDir: volume })).rejects.toMatchObject(refused)
    expect(readdirSync(elsewhere)).toEqual(['main'])
    expect(readFileSync(join(elsewhere, 'main/own'), 'utf8')).toBe(join(elsewhere, 'main'))
  })
})
