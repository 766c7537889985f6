import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, makeNetHosts, type NetHost, noNetHosts } from './net-hosts.ts'

/** The metadata of an empty file system, which is installed with the master. */
const EMPTY = '/var/lib/mfs/metadata.mfs.empty'
const PREFIX = 'backupd-moosefs-'
const MASTER_IP = '10.77.0.1'

/** Why no MooseFS can be run here; undefined if it can. */
export const noMooseFs = whyNoMooseFs()

function whyNoMooseFs(): string | undefined {
  if (noNetHosts !== undefined) return noNetHosts
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse'
  const missing = ['mfsmaster', 'mfschunkserver', 'mfsmount'].filter((program) => !isInstalled(program))
  if (missing.length > 0 || !existsSync(EMPTY))
    return `not installed: ${missing.join(', ') || EMPTY} (Debian's moosefs-master, -chunkserver, -client)`
  return undefined
}

function isInstalled(program: string): boolean {
  return ['/usr/sbin', '/usr/bin'].some((dir) => existsSync(join(dir, program)))
}

/** A real MooseFS: a master and a chunk server on a host of their own, mounted by others. */
export interface MooseFs extends AsyncDisposable {
  /** A host that has mounted it. */
  addHost(ip: string): MooseFsHost
  /** A host that has not. */
  addBareHost(ip: string): NetHost
  /** With SIGKILL, like a machine that fails. */
  stopMaster(): void
  startMaster(): void
  stopChunkServer(): void
  startChunkServer(): void
}

export interface MooseFsHost extends NetHost {
  /** The mount point. */
  readonly dir: string
  mount(): void
  /** Lazily: open files stay open. */
  unmount(): void
  /** Ends mfsmount with SIGKILL: the mount stays and does not answer. */
  killMount(): void
}

/** Resolves when it is up and has free space. */
export async function startMooseFs(): Promise<MooseFs> {
  if (noMooseFs !== undefined) throw new Error(`No MooseFS here: ${noMooseFs}`)
  sweepLeftOvers()
  const dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
  chmodSync(dir, 0o755)
  const hosts = makeNetHosts()
  const server = hosts.add(MASTER_IP)
  const mounted: ReturnType<typeof mountedHost>[] = []
  writeConfig(dir)
  const master = daemon(server, 'mfsmaster', join(dir, 'master.cfg'))
  const chunkServer = daemon(server, 'mfschunkserver', join(dir, 'chunkserver.cfg'))
  const stop = () => {
    for (const host of mounted) host.end()
    for (const each of [chunkServer, master]) quietly(() => each.kill())
    hosts[Symbol.dispose]()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    master.start()
    chunkServer.start()
    const watcher = mountedHost(hosts.add('10.77.0.2'), join(dir, 'watcher'))
    mounted.push(watcher)
    await roomIn(watcher.dir)
  } catch (error) {
    stop()
    throw error
  }
  return {
    addHost(ip) {
      const host = mountedHost(hosts.add(ip), join(dir, `mnt-${ip}`))
      mounted.push(host)
      return host
    },
    addBareHost: (ip) => hosts.add(ip),
    stopMaster: () => master.kill(),
    startMaster: () => master.start(),
    stopChunkServer: () => chunkServer.kill(),
    startChunkServer: () => chunkServer.start(),
    [Symbol.asyncDispose]: async () => stop(),
  }
}

function writeConfig(dir: string): void {
  const folders = ['meta', 'chunks', 'chunkserver']
  for (const folder of folders) mkdirSync(join(dir, folder))
  copyFileSync(EMPTY, join(dir, 'meta/metadata.mfs'))
  const write = (name: string, lines: string[]) => writeFileSync(join(dir, name), `${lines.join('\n')}\n`)
  write('exports.cfg', ['* / rw,alldirs,admin,maproot=0:0'])
  write('topology.cfg', [])
  write('hdd.cfg', [join(dir, 'chunks')])
  write('master.cfg', [
    `DATA_PATH = ${dir}/meta`,
    `EXPORTS_FILENAME = ${dir}/exports.cfg`,
    `TOPOLOGY_FILENAME = ${dir}/topology.cfg`,
    ...['MATOML', 'MATOCS', 'MATOCL'].map((name) => `${name}_LISTEN_HOST = ${MASTER_IP}`),
    'CHANGELOG_SAVE_MODE = 1',
  ])
  write('chunkserver.cfg', [
    `DATA_PATH = ${dir}/chunkserver`,
    `HDD_CONF_FILENAME = ${dir}/hdd.cfg`,
    ...[`MASTER_HOST = ${MASTER_IP}`, `BIND_HOST = ${MASTER_IP}`, `CSSERV_LISTEN_HOST = ${MASTER_IP}`],
    'HDD_LEAVE_SPACE_DEFAULT = 16MiB',
    'MASTER_RECONNECTION_DELAY = 1',
  ])
  for (const folder of folders)
    execFileSync('chown', ['mfs:mfs', join(dir, folder), join(dir, 'meta/metadata.mfs')])
}

/**
 * `start` resolves once it listens, `kill` once it has ended; a killed master starts again by its change logs (`-a`).
 */
function daemon(host: NetHost, program: string, config: string) {
  const more = program === 'mfsmaster' ? ['-a'] : []
  return {
    start: () => void host.run(program, '-c', config, ...more, 'start'),
    kill: () => void host.run(program, '-c', config, 'kill'),
  }
}

function mountedHost(host: NetHost, dir: string): MooseFsHost & { end(): void } {
  mkdirSync(dir)
  const pids: number[] = []
  const mount = () => {
    const before = new Set(mountPids(dir))
    host.run('mfsmount', '-H', MASTER_IP, dir)
    pids.push(...mountPids(dir).filter((pid) => !before.has(pid)))
  }
  const unmount = () => quietly(() => execFileSync('umount', ['-l', dir], { stdio: 'pipe' }))
  mount()
  return {
    ...host,
    dir,
    mount,
    unmount,
    killMount: () => process.kill(pids.at(-1) ?? 0, 'SIGKILL'),
    end() {
      unmount()
      // Without its master, one may take minutes to end on its own.
      for (const pid of pids) quietly(() => process.kill(pid, 'SIGKILL'))
    },
  }
}

/** Of mounts on `dir` or below: mfsmount names its mount in its command line. */
function mountPids(dir: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => commandLine(pid).includes(`(mounted on: ${dir}`)).map(Number)
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** The master reports free space once the chunk server has registered. */
async function roomIn(dir: string): Promise<void> {
  for (let n = 0; n < 300; n++) {
    if (statfsSync(dir).bavail > 0) return
    await sleep(100)
  }
  throw new Error('The chunk server never brought any room')
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // It had ended already.
  }
}

/** Mounts, servers and folders of test processes that were killed. */
function sweepLeftOvers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    const dir = join(tmpdir(), name)
    for (const mount of readdirSync(dir).filter((each) => /^(mnt-|watcher)/.test(each)))
      quietly(() => execFileSync('umount', ['-l', join(dir, mount)], { stdio: 'pipe' }))
    for (const mount of mountPids(dir)) quietly(() => process.kill(mount, 'SIGKILL'))
    for (const [program, config] of [
      ['mfschunkserver', 'chunkserver.cfg'],
      ['mfsmaster', 'master.cfg'],
    ] as const)
      quietly(() => execFileSync(program, ['-c', join(dir, config), 'kill'], { stdio: 'pipe' }))
    rmSync(dir, { recursive: true, force: true })
  }
}
