import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunContext } from '../../../src/engine/plugin.ts'
import { claimSettledVolume } from '../../../src/engine/plugins/claim-settled-volume.ts'
import { makeRecoversFolder } from '../../../src/volume/swap/pointer.ts'
import { claimVolume } from '../../../src/volume/swap/volume-claim.ts'
import { given } from '../../support/given.ts'

test('a volume that cannot be settled is released for the next run', async () => {
  const { dataDir, settings, volume } = await given.app('shop').proc('web').volume('/data/db').plugins()
  writeFileSync(join(await makeRecoversFolder(dataDir), 'broken.json'), '{')
  const context = { settings, warn: () => {} } as unknown as RunContext
  await expect(claimSettledVolume(context, volume)).rejects.toMatchObject({ code: 'VOLUME_LOCKED' })
  await using _claim = await claimVolume(dataDir, volume)
})
