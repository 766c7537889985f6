import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'

/**
 * A machine of its own as far as the network goes: a network namespace on a bridge. Files are shared with all others.
 */
export interface NetHost {
  readonly ip: string
  /** Runs a command here and waits for its end; throws with its output if it fails. */
  run(command: string, ...args: string[]): string
  spawn(command: string, args: string[], options: SpawnOptions): ChildProcess
}

export interface NetHosts extends Disposable {
  /** @param ip such as 10.77.0.11; it exists inside the namespaces alone. */
  add(ip: string): NetHost
}

const FOLDER = '/run/netns'
const PREFIX = 'backupd-'
let counter = 0

/** Why no namespaces can be made here; undefined if they can. */
export const noNetHosts = whyNoNetHosts()

function whyNoNetHosts(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces'
  try {
    const hosts = makeNetHosts()
    hosts.add('10.77.0.1')
    hosts[Symbol.dispose]()
    return undefined
  } catch (error) {
    return `no network namespaces here (ip netns, nsenter): ${error instanceof Error ? error.message : error}`
  }
}

/** Hosts that reach only each other. */
export function makeNetHosts(): NetHosts {
  sweepLeftOvers()
  const names: string[] = []
  const addSpace = (name: string) => {
    ip('netns', 'add', name)
    names.push(name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  const bridge = `${PREFIX}${process.pid}-${counter++}-net`
  addSpace(bridge)
  ip('-n', bridge, 'link', 'add', 'bridge', 'type', 'bridge')
  ip('-n', bridge, 'link', 'set', 'bridge', 'up')
  return {
    add(address) {
      const name = `${bridge}-${names.length}`
      const cable = `host${names.length}`
      addSpace(name)
      ip('-n', bridge, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      ip('-n', bridge, 'link', 'set', cable, 'master', 'bridge', 'up')
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      ip('-n', name, 'link', 'set', 'eth0', 'up')
      return hostIn(name, address)
    },
    [Symbol.dispose]() {
      for (const name of names.splice(0).reverse()) ip('netns', 'del', name)
    },
  }
}

function hostIn(name: string, address: string): NetHost {
  const inside = (command: string, args: string[]) => [`--net=${FOLDER}/${name}`, command, ...args]
  return {
    ip: address,
    run: (command, ...args) =>
      execFileSync('nsenter', inside(command, args), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    spawn: (command, args, options) => spawn('nsenter', inside(command, args), options),
  }
}

/** Removes what killed test processes left. */
function sweepLeftOvers(): void {
  for (const name of namesIn(FOLDER)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) ip('netns', 'del', name)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}
