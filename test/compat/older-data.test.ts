import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { DaemonDebug } from '../../src/wire/daemon-api.ts'
import { BackupsDocument, ServersDocument, WakeJobDocument } from '../support/client/generated/operations.ts'
import { askHttp } from '../support/daemon-http.ts'
import {
  inOlder,
  type Listed,
  OLDER_VERSIONS,
  ONE,
  PATIENCE,
  startDaemonOnOlder,
  startOnOlder,
  TWO,
  unpackOlder,
} from '../support/older-data.ts'
import { hasRestic, restic } from '../support/restic.ts'

const LONG = { timeout: 300_000 }
/** The problems of the first server. A newer daemon remembers that its last run of `/gone` failed. */
const REMEMBERED = { c500901: [], aaf5a8b: [expect.stringMatching(/^The full backup of ".*gone" failed/)] }
const SERIES = 'shop-shop.web.web-1-data-files'
const at = inOlder
const volume = (path: string) => at(`volumes/shop/${path}`)
const read = (path: string) => readFileSync(path, 'utf8')
const namesIn = (path: string) => readdirSync(at(path), { recursive: true }).map(String).sort()

function checkRepository(ip: string): string {
  return restic(at(`store/${ip}/repo`), at('store/.repository-password'))('check', '--read-data')
}

function seriesIn(listed: Listed) {
  return listed.backups.nodes.find(({ id }) => id === `${ONE}/${SERIES}`)
}

describe.each(OLDER_VERSIONS)('data of the older version %s that was stopped', LONG, (version) => {
  test('is listed unchanged: records, backups, snapshots; without problems', async () => {
    const { listed: before } = await unpackOlder(version, 'stopped')
    const { listed, controller, execute } = await startOnOlder()
    await expect.poll(listed, PATIENCE).toEqual({ records: before.records, backups: before.backups })
    expect(controller.log.lines).toContain('The catalog is up to date')
    expect(controller.log.lines.filter((line) => line.includes('is copied to'))).toHaveLength(1)
    const problems = async () => (await execute(ServersDocument, {})).servers.map((server) => server.problems)
    await expect.poll(problems, PATIENCE).toEqual([REMEMBERED[version], []])
  })

  test('has jobs with the same ids, and the sleeping one can be woken', async () => {
    await unpackOlder(version, 'stopped')
    const { execute, jobs } = await startOnOlder()
    const asleep = async () => (await jobs()).filter((job) => job.asleep)
    expect((await asleep()).map((job) => job.volume)).toEqual(['/logs'])
    await execute(WakeJobDocument, { id: (await asleep())[0]?.id ?? '' })
    await expect.poll(asleep, PATIENCE).toEqual([])
  })

  test('is recovered byte by byte: a full backup, and a snapshot in the middle of a series', async () => {
    const { listed: before } = await unpackOlder(version, 'stopped')
    const { recover } = await startOnOlder()
    const db = volume('shop.web.web/1/data/db')
    const index = readFileSync(`${db}/sub/index`)
    rmSync(db, { recursive: true })
    mkdirSync(db)
    const backups = before.backups.nodes.filter(
      (each) => each.volume === '/data/db' && each.server.ip === ONE,
    )
    const oldest = backups.at(-1)?.id.replace(`${ONE}/`, '') ?? ''
    expect(await recover({ backup: oldest })).toMatchObject({ state: 'SUCCESS', reason: null })
    expect(read(`${db}/table`)).toBe('row 1 of instance 1\n')
    expect(readFileSync(`${db}/current`)).toEqual(index)
    expect(statSync(`${db}/sub/index`).ino).toBe(statSync(`${db}/sub/index.link`).ino)
    expect([statSync(`${db}/secret`), statSync(`${db}/sub`)].map(({ mode }) => mode & 0o777)).toEqual([
      0o600, 0o750,
    ])
    expect(readdirSync(db, 'buffer').map((name) => name.toString('latin1'))).toContain('latin-é')

    const files = volume('shop.web.web/1/data/files')
    const snapshot = seriesIn(before)?.snapshots[1]?.id ?? ''
    expect(await recover({ backup: SERIES, snapshot })).toMatchObject({ state: 'SUCCESS', reason: null })
    expect(read(`${files}/log`)).toBe('line 1\nline 2\nline 3\n')
    expect(['new-2', 'new-3', 'new-4'].map((name) => existsSync(`${files}/${name}`))).toEqual([
      false,
      true,
      false,
    ])
  })

  test('continues its series, and stores no content twice', async () => {
    const { listed: before } = await unpackOlder(version, 'stopped')
    const { backUp, listed } = await startOnOlder()
    // A run trusts the times of files only if they changed at least 2 s before the run ahead of it.
    const { ctimeMs: unpackedAt } = statSync(volume('shop.web.web/1/data/files'))
    await expect.poll(() => Date.now() - unpackedAt, PATIENCE).toBeGreaterThan(2500)
    // Unpacked files are other inodes: they are read once more, and the store has their content.
    const first = (await backUp('/data/files', ONE))?.result
    expect(first).toMatchObject({ file: SERIES, filesNew: 0, filesDeleted: 0 })
    expect(Number(first?.bytesAdded)).toBeLessThan(10_000)
    writeFileSync(`${volume('shop.web.web/1/data/files')}/log`, 'other\n')
    const second = (await backUp('/data/files', ONE))?.result
    expect(second).toMatchObject({ filesNew: 0, filesChanged: 1, filesUnchanged: 43, bytesRead: 6 })
    const known = seriesIn(before)?.snapshots.map(({ id }) => id)
    const series = async () => seriesIn((await listed()) as Listed)?.snapshots.map(({ id }) => id)
    expect(await series()).toEqual([second?.snapshot, first?.snapshot, ...(known ?? [])])
  })

  test.skipIf(!hasRestic)('is accepted by restic, before and after (needs restic)', async () => {
    await unpackOlder(version, 'stopped')
    const { backUp } = await startOnOlder()
    expect(await backUp('/data/files', ONE)).toMatchObject({ state: 'SUCCESS' })
    expect(checkRepository(ONE)).toBe('')
    expect(checkRepository(TWO)).toBe('')
  })

  test('expires by the present inventory, except the newest partial backup', async () => {
    const { listed: before } = await unpackOlder(version, 'stopped')
    const { backUp, execute, jobs } = await startOnOlder()
    const short = read(at('inventory.yaml')).replace(/(backup_full: .*)36500d/g, '$11m')
    writeFileSync(at('inventory.yaml'), short)
    await expect
      .poll(async () => (await jobs()).filter(({ expire }) => expire === '1m').length, PATIENCE)
      .toBe(4)
    const files = [await backUp('/data/db', ONE), await backUp('/logs', ONE)].map(
      (record) => record?.result?.file,
    )
    const partial = before.backups.nodes
      .filter((each) => each.partial)
      .map(({ id }) => id.replace(`${ONE}/`, ''))
    const kept = async () => {
      const filter = { server: ONE, mode: 'FULL' as const }
      return (await execute(BackupsDocument, { filter })).backups.nodes.map(({ name }) => name).sort()
    }
    await expect.poll(kept, PATIENCE).toEqual([...files, ...partial].sort())
    expect(namesIn(`store/${ONE}`).filter((name) => /\.tar\.gz$/.test(name))).toEqual(await kept())
  })
})

describe('the store of a version that gave stores no id', LONG, () => {
  const version = 'c500901'
  const listOf = (url: string, ip: string) =>
    askHttp(url, 'GET', `/api/v1/backup/json?protocol=2&namespace=${ip}&limit=10`)
  const storeId = () => (JSON.parse(read(at(`store/${ONE}/.owner`))) as { storeId?: string }).storeId

  test('is accepted as the known one and gets an id; another one in its place is refused from then on', async () => {
    await unpackOlder(version, 'stopped')
    expect(storeId()).toBeUndefined()
    const daemon = await startDaemonOnOlder(ONE)
    await expect.poll(async () => (await listOf(daemon.url, ONE)).status, PATIENCE).toBe(200)
    await expect.poll(storeId, PATIENCE).toMatch(/^\w/)
    await daemon.close()
    const { daemonId, epoch } = JSON.parse(read(at(`store/${ONE}/.owner`)))
    writeFileSync(at(`store/${ONE}/.owner`), JSON.stringify({ daemonId, epoch, storeId: 'another' }))
    const again = await startDaemonOnOlder(ONE)
    await expect.poll(async () => (await listOf(again.url, ONE)).code, PATIENCE).toBe('STORE_CHANGED')
  })

  test('is reported missing if an empty directory is in its place, and used when it is back', async () => {
    await unpackOlder(version, 'stopped')
    renameSync(at('store'), at('moved'))
    mkdirSync(at('store'))
    const daemon = await startDaemonOnOlder(ONE)
    await expect.poll(async () => (await listOf(daemon.url, ONE)).code, PATIENCE).toBe('STORE_CHANGED')
    const problems = async () =>
      ((await askHttp(daemon.url, 'GET', '/api/v1/debug')).body as DaemonDebug).problems
    await expect.poll(problems, PATIENCE).toEqual([expect.stringContaining('--claim-store')])
    expect(readdirSync(at('store'))).toEqual([])
    await daemon.close()
    rmSync(at('store'), { recursive: true })
    renameSync(at('moved'), at('store'))
    const again = await startDaemonOnOlder(ONE)
    await expect.poll(async () => (await listOf(again.url, ONE)).status, PATIENCE).toBe(200)
  })
})

describe.each(OLDER_VERSIONS)(
  'data of the older version %s that was killed in a full backup, an increment and a recover',
  LONG,
  (version) => {
    test('is settled: records say so, temporary files are removed, and all three work again', async () => {
      await unpackOlder(version, 'killed')
      const rids = JSON.parse(read(at('killed.json'))) as Record<'full' | 'increment' | 'recover', string>
      expect(namesIn(`store/${ONE}`).filter((name) => name.includes('.part-'))).toHaveLength(2)
      expect(
        namesIn('volumes').filter((name) => name.endsWith(`.backupd-recover-${rids.recover}`)),
      ).toHaveLength(1)
      const { ended, backUp, recover } = await startOnOlder()
      for (const rid of Object.values(rids))
        expect(await ended(rid)).toMatchObject({ state: 'FAILED', error: { code: 'DAEMON_RESTARTED' } })
      expect(namesIn('store').filter((name) => /\.part-|\/locks\/./.test(name))).toEqual([])
      expect(namesIn('volumes').filter((name) => name.includes('.backupd-'))).toEqual([])
      expect(read(volume('shop.worker.worker/1/logs/app.log'))).toBe('line 1\n')
      for (const [name, ip] of [
        ['/data/db', ONE],
        ['/data/files', TWO],
        ['/logs', ONE],
      ] as const)
        expect(await backUp(name, ip)).toMatchObject({ state: 'SUCCESS' })
      const partial =
        namesIn(`store/${ONE}`).find((name) => name.includes('worker') && name.endsWith('.tar.gz')) ?? ''
      expect(await recover({ backup: partial, proc: 'worker' })).toMatchObject({ state: 'SUCCESS' })
      expect(existsSync(volume('shop.worker.worker/1/logs/big'))).toBe(true)
    })

    test.skipIf(!hasRestic)('leaves increments that restic accepts (needs restic)', async () => {
      await unpackOlder(version, 'killed')
      const { backUp } = await startOnOlder()
      expect(await backUp('/data/files', TWO)).toMatchObject({ state: 'SUCCESS' })
      expect(checkRepository(TWO)).toBe('')
    })
  },
)
