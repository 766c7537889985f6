import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkHostScript } from '../../src/hooks/host/check-script.ts'
import { makeHookFolder, noHostHooks } from '../support/host-hooks.ts'

test.skipIf(noHostHooks)(
  `a script that others could have written or replaced is not run (${noHostHooks ?? 'needs root'})`,
  async () => {
    const { dir, write } = makeHookFolder()
    write('good.sh', 'true')
    expect(await checkHostScript(dir, 'good.sh')).toBe(join(dir, 'good.sh'))
    expect(await checkHostScript(dir, join(dir, 'good.sh'))).toBe(join(dir, 'good.sh'))
    const expectRefusal = async (name: string, why: string) =>
      await expect(checkHostScript(dir, name), name).rejects.toThrow(why)
    for (const name of ['../good.sh', 'x/../../good.sh', '/bin/true', `${dir}/../x`, '', '.', '/'])
      await expectRefusal(name, 'lies outside')

    write('open.sh', 'true')
    chmodSync(join(dir, 'open.sh'), 0o775)
    await expectRefusal('open.sh', 'others than root can write')
    write('foreign.sh', 'true')
    chownSync(join(dir, 'foreign.sh'), 1000, 0)
    await expectRefusal('foreign.sh', 'belongs to the user 1000')
    symlinkSync('good.sh', join(dir, 'link.sh'))
    await expectRefusal('link.sh', 'not a regular file')
    writeFileSync(join(dir, 'plain.sh'), 'true')
    await expectRefusal('plain.sh', 'not executable')
    await expectRefusal('none.sh', 'does not exist')
    symlinkSync('/bin', join(dir, 'bin'))
    await expectRefusal('bin/true', 'is a symbolic link')
    mkdirSync(join(dir, 'theirs'))
    write('theirs/a.sh', 'true')
    chmodSync(join(dir, 'theirs'), 0o777)
    await expectRefusal('theirs/a.sh', 'others than root can write')
    chownSync(dir, 1000, 0)
    await expectRefusal('good.sh', 'belongs to the user 1000')
    rmSync(dir, { recursive: true })
    await expectRefusal('good.sh', 'does not exist')
  },
)
