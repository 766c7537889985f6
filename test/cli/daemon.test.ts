import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseAddress } from '../../src/cli/address.ts'
import { commandFirst, normaliseArgv } from '../../src/cli/argv.ts'
import { daemonCommand } from '../../src/cli/daemon.ts'
import { askHttp } from '../support/daemon-http.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { kill, localFlags, spawnDaemon, startDaemonProcess } from '../support/daemon-process.ts'

let dir: ReturnType<typeof temporaryDir>

beforeEach(() => {
  dir = temporaryDir()
})

afterEach(() => {
  dir[Symbol.dispose]()
})

test.each([
  [
    ['-addr', ':9002', '-debug'],
    ['--addr', ':9002', '--debug'],
  ],
  [['-backup-driver=local'], ['--backup-driver=local']],
  [['-debug=true'], ['--debug']],
  [['--debug=1'], ['--debug']],
  [['-debug=False'], []],
  [['-debug=maybe'], ['--debug=maybe']],
  [
    ['--addr', ':9002'],
    ['--addr', ':9002'],
  ],
  [
    ['-h', '-V'],
    ['-h', '-V'],
  ],
  [
    ['-5', '-', '--', '-addr'],
    ['-5', '-', '--', '-addr'],
  ],
])('%j is read as %j', (given, read) => {
  expect(normaliseArgv(given)).toEqual(read)
})

test.each([
  [
    ['-debug', 'daemon', '-addr', ':9002'],
    ['daemon', '-debug', '-addr', ':9002'],
  ],
  [
    ['daemon', '-debug'],
    ['daemon', '-debug'],
  ],
  [
    ['-debug=true', 'daemon'],
    ['daemon', '-debug=true'],
  ],
  [['-debug'], ['-debug']],
  [[], []],
])('%j becomes %j, with the command first', (given, ordered) => {
  expect(commandFirst(given)).toEqual(ordered)
})

describe('an address', () => {
  test.each([
    ['127.0.0.1:9002', '127.0.0.1', 9002],
    [':9002', '0.0.0.0', 9002],
    ['[::1]:9002', '::1', 9002],
    ['backup.example:80', 'backup.example', 80],
  ])('%s', (text, host, port) => {
    expect(parseAddress('--addr', text)).toEqual({ host, port })
  })

  test.each(['9002', '127.0.0.1', '127.0.0.1:', ':70000', '::1:9002', 'a b:1', ''])(
    '"%s" is not an address',
    (text) => {
      expect(() => parseAddress('--addr', text)).toThrow(`--addr is "${text}": write HOST:PORT`)
    },
  )
})

test.each([
  [
    'another driver',
    ['--ip', '10.0.0.1', '-backup-driver', 'tape'],
    /--backup-driver is "tape": write moosefs, local or s3/,
  ],
  ['no store', ['--ip', '10.0.0.1', '-backup-driver', 'local'], /needs --backup-local-dir DIR/],
  ['no ip', ['-backup-driver', 'local'], /required option '--ip <ip>' not specified/],
  ['a name for an ip', [...localFlags('/tmp/x'), '--ip', 'me'], /--ip is "me": write an IPv4 address/],
  ['an address that is none', [...localFlags('/tmp/x'), '--addr', '9002'], /--addr is "9002"/],
  ['no number of runs', [...localFlags('/tmp/x'), '--concurrency', '0'], /--concurrency is "0"/],
])('with %s the error says what is wrong', async (_what, args, words) => {
  const command = daemonCommand()
    .exitOverride()
    .configureOutput({ writeErr() {} })
  await expect(command.parseAsync(normaliseArgv(args), { from: 'user' })).rejects.toThrow(words)
})

test('without --backup-driver the store is the legacy one, on MooseFS', async () => {
  const data = ['--data', join(dir.path, 'data'), '--volume-root', join(dir.path, 'volumes')]
  const { code, stderr } = await spawnDaemon(['--ip', '10.0.0.1', '--addr', '127.0.0.1:0', ...data]).ended
  expect(code).toBe(1)
  expect(stderr).toContain('The store /mfs/lain/backup is not on a mounted MooseFS')
})

test('a data directory that cannot be written is one line and exit code 1', async () => {
  writeFileSync(join(dir.path, 'data'), '')
  const { code, stderr } = await spawnDaemon(localFlags(dir.path)).ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^backupd: Cannot use the data directory .*\n$/m)
})

test('it runs until it is stopped, then exits with 0 and leaves nothing behind', async () => {
  for (const name of ['store', 'volumes']) mkdirSync(join(dir.path, name))
  const daemon = await startDaemonProcess(localFlags(dir.path))
  expect((await askHttp(daemon.url, 'GET', '/healthz')).status).toBe(200)
  const second = await spawnDaemon(localFlags(dir.path)).ended
  expect(second.code).toBe(1)
  expect(second.stderr).toContain(`Another daemon (process ${daemon.child.pid}) uses the data directory`)
  const { code } = await kill(daemon, 'SIGINT')
  expect(code).toBe(0)
})
