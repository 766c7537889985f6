import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3 } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { freePort } from './free-port.ts'
import { isAlive } from './net-hosts.ts'

const PREFIX = 'backupd-swift-'
const KINDS = ['account', 'container', 'object'] as const
const PROGRAMS = ['proxy', ...KINDS].map((kind) => `swift-${kind}-server`)

/** Why no Swift can be run here; undefined if it can. */
export const noSwift = whyNoSwift()

function whyNoSwift(): string | undefined {
  const missing = [...PROGRAMS, 'swift-ring-builder', 'memcached', 'setpriv'].filter((it) => !isInstalled(it))
  if (missing.length === 0) return undefined
  const packages = 'swift-proxy, swift-account, swift-container, swift-object, swift, memcached'
  return `not installed: ${missing.join(', ')} (Debian's ${packages})`
}

function isInstalled(program: string): boolean {
  return ['/usr/sbin', '/usr/bin'].some((dir) => existsSync(join(dir, program)))
}

/** A real S3 server: OpenStack Swift with its s3api, one server of each kind and one copy of each object. */
export interface Swift extends AsyncDisposable {
  readonly endpoint: string
  /** Has every right. */
  readonly owner: SwiftUser
  /** Has none. */
  readonly stranger: SwiftUser
  /** Makes a bucket, and returns the settings of a store in it. */
  newStore(): Promise<S3Settings>
  /** Gives the stranger rights on the bucket of a store, instead of those it has. */
  grant(store: S3Settings, rights: SwiftRights): Promise<void>
  /** Kills all its servers, so that nobody listens at the endpoint. What was stored stays. */
  stop(): Promise<void>
  /** Starts them again. Resolves when they answer. */
  start(): Promise<void>
}

export interface SwiftRights {
  /** Does not include lists. */
  read?: boolean
  list?: boolean
  /** Includes removes. */
  write?: boolean
}

export interface SwiftUser {
  accessKeyId: string
  secretAccessKey: string
  /** Both, as `--s3-credentials-file` reads them. */
  file: string
}

let buckets = 0

/** Resolves when it answers. */
export async function startSwift(): Promise<Swift> {
  if (noSwift !== undefined) throw new Error(`No Swift here: ${noSwift}`)
  sweepLeftOvers()
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  const ports = await writeSwift(dir)
  let programs: ChildProcess[] = []
  const stop = async () => void (await Promise.all(programs.map(end)))
  const start = async () => {
    programs = startPrograms(dir, ports)
    await waitUntilListening(Object.values(ports))
  }
  const remove = async () => {
    await stop()
    rmSync(dir, { recursive: true, force: true })
  }
  const endpoint = `http://127.0.0.1:${ports.proxy}`
  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  const owner = writeUser(dir, 'tester', 'testing')
  return {
    endpoint,
    owner,
    stranger: writeUser(dir, 'stranger', 'strange'),
    newStore: () => newStore(endpoint, owner),
    grant: (store, rights) => grant(endpoint, store, rights),
    stop,
    start,
    [Symbol.asyncDispose]: remove,
  }
}

/** A client for what only a judge does, such as making a bucket. */
export function s3Client(
  endpoint: string,
  credentials: Pick<SwiftUser, 'accessKeyId' | 'secretAccessKey'>,
): S3 {
  return new S3({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
}

async function newStore(endpoint: string, owner: SwiftUser): Promise<S3Settings> {
  const bucket = `backups-${process.pid}-${buckets++}`
  const client = s3Client(endpoint, owner)
  await client.createBucket({ Bucket: bucket })
  client.destroy()
  return { driver: 's3', bucket, prefix: 'store', endpoint, pathStyle: true, credentialsFile: owner.file }
}

/** With Swift's own API: its s3api has no policies. */
async function grant(endpoint: string, { bucket }: S3Settings, rights: SwiftRights): Promise<void> {
  const login = { 'X-Storage-User': 'test:tester', 'X-Storage-Pass': 'testing' }
  const { headers } = await fetch(`${endpoint}/auth/v1.0`, { headers: login })
  const { read, list, write } = rights
  // Anybody's reads include no lists.
  const readers = list ? 'test:stranger' : read ? '.r:*' : 'test:nobody'
  const answer = await fetch(`${headers.get('X-Storage-Url')}/${bucket}`, {
    method: 'POST',
    headers: {
      'X-Auth-Token': headers.get('X-Auth-Token') ?? '',
      'X-Container-Read': readers,
      'X-Container-Write': write ? 'test:stranger' : 'test:nobody',
    },
  })
  if (!answer.ok) throw new Error(`Swift refused the rights: ${answer.status}`)
}

type Ports = Record<'proxy' | 'memcached' | (typeof KINDS)[number], number>

async function writeSwift(dir: string): Promise<Ports> {
  const ports = {
    proxy: await freePort(),
    memcached: await freePort(),
    account: await freePort(),
    container: await freePort(),
    object: await freePort(),
  }
  mkdirSync(join(dir, 'devices/one'), { recursive: true })
  write(dir, 'swift.conf', {
    'swift-hash': { swift_hash_path_prefix: 'backupd', swift_hash_path_suffix: 'tests' },
    'storage-policy:0': { name: 'one', default: 'yes' },
  })
  for (const kind of KINDS) write(dir, `${kind}.conf`, storageServer(dir, kind, ports[kind]))
  makeRings(dir, ports)
  write(dir, 'proxy.conf', proxyServer(dir, ports))
  return ports
}

type Sections = Record<string, Record<string, string | number>>

function write(dir: string, name: string, sections: Sections): void {
  const lines = Object.entries(sections).flatMap(([section, settings]) => [
    `[${section}]`,
    ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`),
  ])
  writeFileSync(join(dir, name), `${lines.join('\n')}\n`)
}

/** With no workers, a server is one process. */
function common(dir: string, port: number) {
  const user = userInfo().username
  return { bind_ip: '127.0.0.1', bind_port: port, workers: 0, user, swift_dir: dir, log_level: 'ERROR' }
}

function storageServer(dir: string, kind: string, port: number): Sections {
  const place = { devices: join(dir, 'devices'), mount_check: 'false', disable_fallocate: 'true' }
  return {
    DEFAULT: { ...common(dir, port), ...place },
    'pipeline:main': { pipeline: `${kind}-server` },
    [`app:${kind}-server`]: { use: `egg:swift#${kind}` },
  }
}

function proxyServer(dir: string, ports: Ports): Sections {
  const filters = ['catch_errors', 'gatekeeper', 'cache', 'listing_formats', 'bulk', 's3api']
  const use = (name: string) => ({ use: `egg:swift#${name}` })
  return {
    DEFAULT: common(dir, ports.proxy),
    'pipeline:main': { pipeline: [...filters, 'tempauth', 'slo', 'dlo', 'proxy-server'].join(' ') },
    'app:proxy-server': { ...use('proxy'), allow_account_management: 'true', account_autocreate: 'true' },
    ...Object.fromEntries(filters.map((name) => [`filter:${name}`, use(name)])),
    'filter:cache': { ...use('memcache'), memcache_servers: `127.0.0.1:${ports.memcached}` },
    'filter:s3api': {
      ...use('s3api'),
      location: 'us-east-1',
      s3_acl: 'no',
      check_bucket_owner: 'no',
      max_upload_part_num: 10_000,
    },
    'filter:tempauth': {
      ...use('tempauth'),
      user_test_tester: 'testing .admin .reseller_admin',
      user_test_stranger: 'strange',
    },
    'filter:slo': { ...use('slo'), max_manifest_segments: 10_000 },
    'filter:dlo': use('dlo'),
  }
}

/** Which server has which objects: one server has all. In one process, because Python starts slowly. */
function makeRings(dir: string, ports: Ports): void {
  const make = `
import json, sys
from swift.common.ring import RingBuilder
for kind, port in json.loads(sys.argv[1]).items():
    builder = RingBuilder(2, 1, 1)
    place = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({**place, "region": 1, "zone": 1, "device": "one", "weight": 1.0, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[2]}/{kind}.ring.gz")
`
  const { account, container, object } = ports
  execFileSync('/usr/bin/python3', ['-c', make, JSON.stringify({ account, container, object }), dir], {
    stdio: 'pipe',
  })
}

/** The kernel ends them with the test process. */
function startPrograms(dir: string, ports: Ports): ChildProcess[] {
  const user = userInfo().username
  const start = (program: string, ...args: string[]) =>
    spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: 'ignore' })
  return [
    start('memcached', '-l', '127.0.0.1', '-p', String(ports.memcached), '-u', user),
    ...['proxy', ...KINDS].map((kind) => start(`swift-${kind}-server`, join(dir, `${kind}.conf`))),
  ]
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return
  const ended = once(program, 'exit')
  program.kill('SIGKILL')
  await ended
}

function writeUser(dir: string, name: string, secretAccessKey: string): SwiftUser {
  const accessKeyId = `test:${name}`
  const file = join(dir, `${name}.credentials`)
  writeFileSync(
    file,
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    { mode: 0o600 },
  )
  return { accessKeyId, secretAccessKey, file }
}

async function waitUntilListening(ports: number[]): Promise<void> {
  for (let n = 0; n < 900; n++) {
    const answers = await Promise.all(ports.map(isListening))
    if (answers.every((each) => each)) return
    await sleep(100)
  }
  throw new Error('Swift did not answer within 90 s')
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Folders of test processes that were killed; their servers ended with them. */
function sweepLeftOvers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
}
