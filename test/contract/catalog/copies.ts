import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MakePlace } from './place.ts'

/** Where a catalog makes copies of itself, and where not. */
export function copyDemands(makePlace: MakePlace): void {
  describe('copies', () => {
    test.each(['/tmp', '..', '../copies-2', 'link/below', '/proc/self/cwd'])(
      'to %s are refused',
      async (dir) => {
        const place = await makePlace()
        const catalog = await place.open()
        onTestFinished(() => catalog.close())
        await mkdir(place.copyDir)
        await symlink('/tmp', join(place.copyDir, 'link'))
        await expect(catalog.copier.copyTo(dir)).rejects.toMatchObject({
          code: 'FORBIDDEN',
          message: expect.stringContaining(`"${dir}": it is outside`),
        })
        expect(await readdir(place.copyDir)).toEqual(['link'])
      },
    )

    test('that fail leave nothing behind', async () => {
      const place = await makePlace()
      const catalog = await place.open()
      onTestFinished(() => catalog.close())
      await mkdir(place.copyDir)
      await writeFile(join(place.copyDir, 'file'), '')
      for (const dir of ['file', 'file/below', 'a\0b', 'x'.repeat(300)])
        await expect(catalog.copier.copyTo(dir)).rejects.toMatchObject({ code: 'BAD_INPUT' })
      expect(await readdir(place.copyDir)).toEqual(['file'])
    })
  })
}
