import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deleteByPlan } from '../support/delete-by-plan.ts'
import { describeSwift } from '../support/describe-swift.ts'
import { freePort } from '../support/free-port.ts'
import { given } from '../support/given.ts'
import { restic } from '../support/restic.ts'
import { s3Flags } from '../support/s3-flags.ts'
import { startProgram, startStandalone } from '../support/standalone.ts'
import { s3Client } from '../support/swift.ts'
import { tempDir } from '../support/temp-dir.ts'

const IP = '127.0.0.1'
const LARGE = randomBytes(20_000_000)
const FILES = { 'a.txt': 'first words', 'sub/large.bin': LARGE }
const NAMES = '{ backups { nodes { name } } }'

describeSwift('a daemon with its store on a real Swift', (place) => {
  async function keysIn(prefix: string): Promise<string[]> {
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    const page = await client.listObjectsV2({ Bucket: place.settings.bucket, Prefix: `store/${prefix}` })
    return (page.Contents ?? []).map(({ Key = '' }) => Key.slice('store/'.length))
  }

  async function fetchObject(name: string): Promise<Buffer> {
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    const { Body } = await client.getObject({ Bucket: place.settings.bucket, Key: `store/${name}` })
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  /** Makes a backup an hour older, as its manifest and the index of the namespace say. */
  async function ageBackup(name: string): Promise<void> {
    const client = s3Client(place.swift.endpoint, place.swift.owner)
    const manifest = `${IP}/${name}.manifest.json`
    const { created } = JSON.parse(`${await fetchObject(manifest)}`)
    const older = new Date(Date.parse(created) - 3_600_000).toISOString()
    for (const key of [manifest, `${IP}/.meta`]) {
      const Body = `${await fetchObject(key)}`.replaceAll(created, older)
      await client.putObject({ Bucket: place.settings.bucket, Key: `store/${key}`, Body })
    }
  }

  test('makes full backups that tar reads, lists, recovers, expires and deletes them', async () => {
    place.settings = await place.swift.newStore()
    const shop = given.app('shop').proc('web').volume('/data/db').files(FILES)
    const { ask, backUp, backups, recover, volume } = await shop
      .schedule({ mode: 'full', expire: '30m' })
      .withBackups(2)
      .running({ store: place.settings })
    const [first, second] = backups
    const listNames = async () =>
      (await ask<{ backups: { nodes: { name: string }[] } }>(NAMES)).backups.nodes.map(({ name }) => name)
    expect((await listNames()).sort()).toEqual([first, second].sort())

    const archive = join(tempDir(), 'fetched.tar.gz')
    await writeFile(archive, await fetchObject(`${IP}/${second}`))
    const unpacked = tempDir()
    execFileSync('tar', ['-xzf', archive, '-C', unpacked])
    expect((await readFile(join(unpacked, 'db/sub/large.bin'))).equals(LARGE)).toBe(true)

    await writeFile(join(volume, 'a.txt'), 'damaged')
    await rm(join(volume, 'sub'), { recursive: true })
    expect(await recover(second)).toMatchObject({ state: 'SUCCESS', warnings: [] })
    expect(await readFile(join(volume, 'a.txt'), 'utf8')).toBe('first words')
    expect((await readFile(join(volume, 'sub/large.bin'))).equals(LARGE)).toBe(true)

    await deleteByPlan(ask, { app: 'shop', proc: 'web', names: [first] })
    expect(await listNames()).toEqual([second])

    const third = (await backUp()).result?.file ?? ''
    await ageBackup(second)
    // The daemon looks once a minute.
    await expect.poll(listNames, { timeout: 150_000, interval: 1000 }).toEqual([third])
    const left = (await keysIn(`${IP}/`)).filter((key) => !key.startsWith(`${IP}/.`))
    // On Swift, what was deleted is only hidden for an hour.
    const pieces = ['', '.index.gz', '.manifest.json']
    const hidden = [first, second].flatMap((name) =>
      [...pieces, '.deleted'].map((end) => `${IP}/${name}${end}`),
    )
    expect(left.sort()).toEqual([...hidden, ...pieces.map((end) => `${IP}/${third}${end}`)].sort())
  }, 300_000)

  test('makes increments that restic reads, recovers and deletes them', async () => {
    place.settings = await place.swift.newStore()
    const shop = given.app('shop').proc('web').volume('/data/db').files(FILES)
    const { ask, backUp, recover, volume } = await shop
      .schedule({ mode: 'increment', expire: '30d' })
      .running({ store: place.settings })
    const first = await backUp()
    expect(first).toMatchObject({ state: 'SUCCESS', error: null })
    await writeFile(join(volume, 'a.txt'), 'second words')
    expect(await backUp()).toMatchObject({ state: 'SUCCESS', error: null })

    const password = join(tempDir(), 'password')
    await writeFile(password, await fetchObject('.repository-password'))
    const judge = restic(`s3:${place.swift.endpoint}/${place.settings.bucket}/store/${IP}/repo`, password, {
      AWS_ACCESS_KEY_ID: place.swift.owner.accessKeyId,
      AWS_SECRET_ACCESS_KEY: place.swift.owner.secretAccessKey,
    })
    expect(JSON.parse(judge('snapshots', '--json', '--no-lock'))).toHaveLength(2)
    judge('check', '--read-data', '--no-lock')

    await rm(join(volume, 'sub'), { recursive: true })
    const name = first.result?.backup?.name ?? ''
    expect(await recover(name)).toMatchObject({ state: 'SUCCESS', warnings: [] })
    expect((await readFile(join(volume, 'sub/large.bin'))).equals(LARGE)).toBe(true)
    expect(await readFile(join(volume, 'a.txt'), 'utf8')).toBe('second words')

    expect((await keysIn(`${IP}/repo/data/`)).length).toBeGreaterThan(0)
    await deleteByPlan(ask, { app: 'shop', proc: 'web', names: [name] })
    expect((await ask<{ backups: { nodes: [] } }>(NAMES)).backups.nodes).toEqual([])
    expect(await keysIn(`${IP}/repo/snapshots/`)).toEqual([])
    expect(await keysIn(`${IP}/repo/locks/`)).toEqual([])
  }, 120_000)

  test('starts with the flags of standalone', async () => {
    place.settings = await place.swift.newStore()
    const folder = tempDir()
    await mkdir(join(folder, 'volume'))
    const { program } = await startStandalone(folder, s3Flags(place.settings))
    try {
      await program.said(/Store {8}s3:\/\/.*\/store$/)
      await expect.poll(() => keysIn(`${IP}/.owner`)).toEqual([`${IP}/.owner`])
    } finally {
      program.process.kill('SIGKILL')
      await program.ended
    }
  })

  test('says in one line what is wrong with the bucket, and tries again', async () => {
    const wrong = { ...place.settings, bucket: 'missing' }
    const folder = tempDir()
    const program = startProgram([
      ...['daemon', '--ip', IP, '--addr', `127.0.0.1:${await freePort()}`, '--data', join(folder, 'data')],
      ...s3Flags(wrong),
    ])
    try {
      const reason =
        'Cannot use the store s3://missing/store: the bucket does not exist. Create it, or correct --s3-bucket'
      const line = await program.said(/The store cannot be claimed/)
      expect(JSON.parse(line)).toMatchObject({ msg: expect.stringContaining(reason) })
    } finally {
      program.process.kill('SIGKILL')
      await program.ended
    }
  })
})
