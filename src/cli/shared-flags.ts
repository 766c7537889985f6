// The flags that several commands share: name, description, default and parser. A flag is a function if its description
// or default depends on the command. Parsers throw BAD_INPUT and name the flag.

import { isIPv4 } from 'node:net'
import { resolve } from 'node:path'
import { Option } from 'commander'
import { CONNECTION_LIMITS } from '../http/connection-limits.ts'
import { BackupdError } from '../lib/errors.ts'
import { type Address, parseAddress } from './address.ts'
import { collect } from './collect.ts'

export function addrFlag(text: string, usual: string): Option {
  return new Option('--addr <host:port>', text).default(usual)
}

export function dataFlag(text: string, usual: string): Option {
  return new Option('--data <dir>', text).default(usual)
}

export function inventoryFlag(text: string): Option {
  return new Option('--inventory <file>', text)
}

export function ipFlag(text: string): Option {
  return new Option('--ip <ip>', text).argParser(parseServerIp)
}

export function localDirFlag(text: string): Option {
  return new Option('--backup-local-dir <dir>', text)
}

export const VOLUME_ROOT = new Option(
  '--volume-root <dir>',
  'the directory of volumes whose path the inventory does not name',
).default('/data/lain/volumes')

export const ALLOW_PATH = new Option(
  '--allow-path <dir>',
  'another directory that may be read and written (repeatable)',
)
  .argParser(collect)
  .default([])

export const RECOVER_DIR = new Option(
  '--recover-dir <dir>',
  'a directory in which backups may be recovered into new folders, away from all volumes',
).argParser((dir) => resolve(dir))

export const DRILL_DIR = new Option(
  '--drill-dir <dir>',
  'a directory in which drills restore backups, on a file system without --data, the store and volumes',
).argParser((dir) => resolve(dir))

export const ALLOW_HOST_HOOKS = new Option(
  '--allow-host-hooks <dir>',
  "run the hooks of instances without containers on this machine: scripts in this directory, which is root's alone",
).argParser((dir) => resolve(dir))

export const CONTAINER_SOCKET = new Option(
  '--container-socket <path>',
  'run the hooks of instances with containers in these, through this socket of Docker or podman',
).argParser((path) => resolve(path))

export const ALLOWED_HOST = new Option(
  '--allowed-host <name>',
  'a host name that requests may be sent to, besides IP addresses (repeatable)',
)
  .argParser(collect)
  .default([])

export const PASSWORD_FILE_FLAG = new Option(
  '--repository-password-file <file>',
  'the file with the password of increments; without it, one is created in the store',
).argParser((file) => resolve(file))

export const TAKE_OVER_NAMESPACE = new Option(
  '--take-over',
  "take over this server's folder in the store from the daemon that owns it",
).default(false)

export const CLAIM_STORE = new Option(
  '--claim-store',
  'once, to start over: accept the present store, although another one is known',
).default(false)

export const NEW_REPOSITORY = new Option(
  '--new-repository',
  'once, to start over: begin new increments, although earlier ones are missing',
).default(false)

export const COPY_DIR = new Option(
  '--copy-dir <dir>',
  'the directory for copies of the catalog (default: <data>/copies)',
)

/** Parsed to the servers' limits. */
export const MAX_SOCKETS = new Option(
  '--max-sockets-per-peer <n>',
  'limit of open connections from one address, WebSockets included',
)
  .argParser(parseConnections)
  .default(
    parseConnections(String(CONNECTION_LIMITS.perPeer)),
    JSON.stringify(`${CONNECTION_LIMITS.perPeer}`),
  )

export const METRICS_ADDR = new Option(
  '--metrics-addr <host:port>',
  'where to serve /metrics, and nothing else, without a token',
)

/** Of standalone, whose daemon answers nobody else on its own port. */
export const DAEMON_METRICS_ADDR = new Option(
  '--daemon-metrics-addr <host:port>',
  'where to serve /metrics of the daemon, and nothing else',
)

export interface MetricsFlags {
  metricsAddr?: string
}

export function readMetricsAddress({ metricsAddr }: MetricsFlags): Address | undefined {
  return metricsAddr === undefined ? undefined : parseAddress('--metrics-addr', metricsAddr)
}

export const DEBUG = new Option(
  '--debug',
  'accepted for legacy command lines; the log is complete without it',
).default(false)

function parseServerIp(ip: string): string {
  if (isIPv4(ip)) return ip
  throw new BackupdError('BAD_INPUT', `--ip is "${ip}": write an IPv4 address, such as 10.0.0.1`)
}

export interface Connections {
  perPeer: number
  total: number
}

/** `total` grows with the flag, because a proxy may be the only peer. */
function parseConnections(text: string): Connections {
  const perPeer = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (perPeer > 0) return { perPeer, total: Math.max(CONNECTION_LIMITS.total, perPeer) }
  throw new BackupdError(
    'BAD_INPUT',
    `--max-sockets-per-peer is "${text}": write a whole number from 1 to 999999`,
  )
}

export const SETTINGS_FLAG = new Option(
  '--settings <file>',
  'a file with what is not about one volume: where notifications go',
)
