import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { followTrusted } from '../../src/volume/trusted-path.ts'
import { tempDir } from '../support/temp-dir.ts'

test.skipIf(process.getuid?.() !== 0)(
  "in a sticky directory another user's entry is not followed (needs root)",
  async () => {
    const sticky = join(tempDir(), 'sticky')
    mkdirSync(sticky)
    chmodSync(sticky, 0o1777)
    for (const name of ['own', 'foreign']) mkdirSync(join(sticky, name))
    chownSync(join(sticky, 'foreign'), 12345, 12345)
    const follow = (name: string) => followTrusted(join(sticky, name), () => false)
    expect(await follow('own')).toMatchObject({ real: join(sticky, 'own'), rest: [] })
    expect(await follow('foreign')).toMatchObject({ real: sticky, rest: ['foreign'] })
  },
)

test('a path that cannot be followed is an error, unlike one that does not exist', async () => {
  const dir = tempDir()
  const follow = (name: string) => followTrusted(join(dir, name), () => false)
  expect(await follow('none')).toMatchObject({ real: join(dir, 'none'), rest: [] })
  await expect(follow('x'.repeat(300))).rejects.toMatchObject({ code: 'ENAMETOOLONG' })
})
