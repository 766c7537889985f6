import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { describeMooseFs } from '../../../support/describe-moosefs.ts'
import { startMooseFs } from '../../../support/moosefs.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { openUnusualVolume, tellOfEncryption } from '../../../support/unusual-volume.ts'

describeMooseFs('a volume whose files are all encrypted, on a real MooseFS', () => {
  test.each(['full', 'increment'] as const)(
    'keeps its last good backup of the mode %s',
    async (mode) => {
      await using moosefs = await startMooseFs()
      const dir = join(moosefs.addHost(SERVER).dir, 'store')
      mkdirSync(dir)
      await tellOfEncryption(await openUnusualVolume(mode, { driver: 'moosefs', dir }))
    },
    240_000,
  )
})
