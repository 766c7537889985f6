import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupExpirePlugin } from '../../src/engine/plugins/backup_expire/plugin.ts'
import { backupFilesPlugin } from '../../src/engine/plugins/backup_files/plugin.ts'
import { settlePlugin } from '../../src/engine/plugins/settle/plugin.ts'
import { given } from '../support/given.ts'
import { runPlugin } from '../support/run-plugin.ts'
import { makeNastyTree } from '../support/tree-make.ts'

const openCount = () => readdirSync('/proc/self/fd').length

/** One run of everything that a daemon does with a volume. */
async function makeDay(mode: 'full' | 'increment') {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  const { backUp, recover, volume, volumeRoot, store, settings } = world
  rmSync(volume, { recursive: true })
  makeNastyTree(volume)
  const verify = async (name: string) => {
    await using backup = await store.find(settings.ip, name)
    const { signal } = new AbortController()
    const run = { rid: 'verify-1', dataDir: settings.dataDir, signal, warn: () => {}, onProgress: () => {} }
    await backup?.verify(run)
  }
  let day = 0
  return async () => {
    day++
    writeFileSync(join(volume, 'changed'), `on day ${day}`)
    await backUp({ mode })
    const { backups } = await store.list(settings.ip, { limit: 10, after: '' })
    const name = String(backups.at(-1)?.name)
    await recover(name, { destDir: join(volumeRoot, 'copy') })
    await recover(name)
    await recover(name, { files: ['changed'] })
    await recover(name, { plan: true }).catch(() => {})
    await recover(name, { files: ['missing'] }).catch(() => {})
    const asked = { name, namespace: settings.ip }
    await runPlugin(backupFilesPlugin, settings, { args: { ...asked, path: '', limit: 3 } })
    await verify(name)
    await runPlugin(backupExpirePlugin, settings, { args: { info: [`${volume}@${mode}`, '30d'] } })
    await runPlugin(settlePlugin, settings, { args: {} })
    mkdirSync(join(volume, `of day ${day}`))
  }
}

test.each(['full', 'increment'] as const)(
  'a day of %s backups leaves no more files open than it found',
  async (mode) => {
    const passDay = await makeDay(mode)
    await passDay()
    const before = openCount()
    await passDay()
    expect(openCount()).toBe(before)
  },
)
