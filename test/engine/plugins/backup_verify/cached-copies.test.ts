import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupVerifyPlugin } from '../../../../src/engine/plugins/backup_verify/plugin.ts'
import { given } from '../../../support/given.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { startS3Model } from '../../../support/s3-model.ts'

/** An increment in a bucket, of which this machine has copies. */
async function cachedIncrement() {
  const model = await startS3Model()
  const world = await given.app('shop').proc('web').volume('/data/db').plugins({ store: model.settings })
  mkdirSync(join(world.volume, 'folder'))
  writeFileSync(join(world.volume, 'folder', 'file'), 'content')
  await world.backUp({ mode: 'increment' })
  const { result } = await world.backUp({ mode: 'increment' })
  const backup = result.backup?.name ?? ''
  const args = { app: 'shop', proc: 'shop.web.web', backup, namespace: SERVER }
  const idOf = (key: string) => key.split('/').at(-1) ?? ''
  const keysIn = (folder: string) =>
    [...model.objects.keys()].filter((key) => key.includes(`/repo/${folder}/`))
  return {
    verify: () => runPlugin(backupVerifyPlugin, world.settings, { args }),
    packs: keysIn('data'),
    indexes: keysIn('index'),
    isCached: (key: string) => existsSync(join(world.dataDir, 'cache', idOf(key).slice(0, 2), idOf(key))),
    damage(key: string): () => void {
      const stored = model.objects.get(key)
      if (!stored) throw new Error(`there is no ${key}`)
      const content = Buffer.from(stored.content)
      // In the first blob of a pack: the end of a small one is its header, which loses no file.
      content[20] = (content[20] ?? 0) ^ 1
      model.objects.set(key, { ...stored, content })
      return () => void model.objects.set(key, stored)
    },
  }
}

test('a verification finds damage in the store of what has an intact copy on this machine', async () => {
  const { verify, packs, indexes, isCached, damage } = await cachedIncrement()
  expect(packs.filter(isCached).length).toBeGreaterThan(0)
  expect(indexes.filter(isCached).length).toBeGreaterThan(0)
  expect(await verify()).toMatchObject({ state: 'success', warnings: [] })
  for (const key of packs) {
    const heal = damage(key)
    await expect(verify(), key).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
    heal()
    expect(await verify(), key).toMatchObject({ state: 'success' })
  }
  damage(indexes[0] ?? '')
  await expect(verify()).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
})
