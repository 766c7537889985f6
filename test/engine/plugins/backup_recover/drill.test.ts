import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backupVerifyPlugin } from '../../../../src/engine/plugins/backup_verify/plugin.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { openStore } from '../../../../src/store/open-store.ts'
import { drillWorld } from '../../../support/drill-world.ts'
import { SERVER } from '../../../support/plugin-args.ts'
import { runPlugin } from '../../../support/run-plugin.ts'
import { canMount } from '../../../support/tmpfs.ts'

test.skipIf(!canMount)('a drill proves a full backup, and leaves nothing in its directory', async () => {
  const { drill, drillDir } = await drillWorld()
  const ended = await drill()
  expect(ended).toMatchObject({ state: 'success', warnings: [], result: { drill: { different: 0 } } })
  expect(ended.result.drill?.files).toBeGreaterThan(5)
  expect(ended.result.backup?.proof).toMatchObject({ method: 'hash', by: 'drill', mode: 'full', share: 1 })
  expect(readdirSync(drillDir)).toEqual(['foreign'])
  expect(readFileSync(join(drillDir, 'foreign'), 'utf8')).toBe('not ours')
})

test.skipIf(!canMount)('a verification after a drill does not hide when it was drilled', async () => {
  const { drill, backup, namespace, settings } = await drillWorld()
  const store = await openStore(settings.store, settings, { clock: systemClock, warn: () => {} })
  const info = async () => (await store.list(SERVER, { limit: 1 })).backups[0]
  const drilled = (await drill()).result.backup?.drilled
  expect(drilled).toMatch(/^20/)
  const args = { app: 'shop', proc: 'shop.web.web', backup, namespace: SERVER }
  await runPlugin(backupVerifyPlugin, settings, { args })
  const verified = await info()
  expect(verified).toMatchObject({ drilled, proof: { method: 'hash' } })
  expect(verified?.proof?.by).toBeUndefined()
  const archive = join(namespace, backup)
  writeFileSync(archive, readFileSync(archive).subarray(0, -1))
  await expect(runPlugin(backupVerifyPlugin, settings, { args })).rejects.toMatchObject({
    code: 'ARCHIVE_CORRUPT',
  })
  expect((await info())?.drilled).toBeUndefined()
})

test.skipIf(!canMount)('a drill finds a flipped byte in the archive, and marks the backup', async () => {
  const { drill, drillDir, storeDir, backup } = await drillWorld()
  const file = join(storeDir, SERVER, backup)
  const content = readFileSync(file)
  const middle = statSync(file).size >> 1
  content[middle] = (content[middle] ?? 0) ^ 1
  writeFileSync(file, content)
  await expect(drill()).rejects.toMatchObject({ code: 'ARCHIVE_CORRUPT' })
  expect(readdirSync(drillDir)).toEqual(['foreign'])
})

test.skipIf(!canMount)(
  'a drill without room ends with NO_ROOM, and says nothing about the backup',
  async () => {
    const { drill, drillDir } = await drillWorld('full', 64 << 10)
    await expect(drill()).rejects.toMatchObject({ code: 'NO_ROOM' })
    expect(readdirSync(drillDir)).toEqual(['foreign'])
  },
)

test.skipIf(!canMount)('a drill is refused without its directory, and beside the data', async () => {
  const { drill, base } = await drillWorld()
  await expect(drill({ drillDir: undefined })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(drill({ drillDir: base })).rejects.toThrow('is on the file system of')
})

test.skipIf(!canMount)(
  'a comparison names content, mode and owner that differ, and follows no link',
  async () => {
    const { settings, backup, base } = await drillWorld()
    const store = await openStore(settings.store, settings, { clock: systemClock, warn: () => {} })
    await using found = await store.find(SERVER, backup)
    const signal = new AbortController().signal
    const opened = await found?.open(null, { dataDir: settings.dataDir, signal, warn: () => {} })
    const target = join(base, 'restored')
    mkdirSync(target)
    await opened?.restore({ target, signal, onProgress: () => {}, onWarning: () => {} }, null)
    const compare = async () => {
      const differences: string[] = []
      const onDifference = (path: string, what: string) => void differences.push(`${path}: ${what}`)
      await opened?.drill?.compare({ target, signal, onProgress: () => {}, onDifference })
      return differences
    }
    expect(await compare()).toEqual([])
    const name = readdirSync(target, { recursive: true, encoding: 'utf8' }).find((one) =>
      one.endsWith('hard link to deep'),
    )
    const linked = join(target, name ?? '')
    execFileSync('cp', ['-a', linked, `${linked}.copy`])
    renameSync(`${linked}.copy`, linked)
    expect(await compare()).toEqual([expect.stringContaining('it is not the same file as')])
    rmSync(target, { recursive: true })
    mkdirSync(target)
    await opened?.restore({ target, signal, onProgress: () => {}, onWarning: () => {} }, null)
    const large = join(target, 'large')
    writeFileSync(large, 'y'.repeat(100_000))
    expect(await compare()).toEqual(['large: its content differs'])
    chmodSync(large, 0o600)
    expect(await compare()).toEqual(['large: its mode is 600, expected 644'])
    chownSync(large, 7, 8)
    expect(await compare()).toEqual(['large: its owner is 7:8, expected 0:0'])
    rmSync(large)
    symlinkSync('/etc/passwd', large)
    expect(await compare()).toEqual(['large: it is not a file'])
  },
)
