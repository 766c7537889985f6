import { hash, randomUUID } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { BackupdError } from '../lib/errors.ts'

/** Makes the id of a record: unix seconds + 32 hex digits. */
export function newRid(nowMs: number): string {
  return `${Math.floor(nowMs / 1000)}${randomUUID().replaceAll('-', '')}`
}

export const RID_PATTERN = /^\d{10,11}[0-9a-f]{32}$/

/** `10.77.0.11` → `0a4d000b`. Throws BAD_INPUT for anything but an IPv4. */
export function ipv4Hex(ip: string): string {
  if (!isIPv4(ip))
    throw new BackupdError('BAD_INPUT', `"${ip}" is not an IPv4 address, expected one such as 10.0.0.1`)
  return ip
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
}

/** The server in a job id: `0a4d000b…` → `10.77.0.11`; undefined if there is none. */
export function serverOfJobId(id: string): string | undefined {
  if (!/^[0-9a-f]{8}/.test(id)) return undefined
  return [0, 2, 4, 6].map((at) => Number.parseInt(id.slice(at, at + 2), 16)).join('.')
}

interface Schedule {
  spec: string
  action: string
  args: Record<string, unknown>
}

/**
 * The job id, as in the legacy system: hex of the server's IPv4 + md5 of `<spec>/<action>/[<values in key order>]`;
 * a list prints as `[a b]`.
 */
export function jobId(serverIp: string, { spec, action, args }: Schedule): string {
  const values = Object.keys(args)
    .sort()
    .map((key) => printValue(args[key]))
  const text = `${spec}/${action}/[${values.join(' ')}]`
  return ipv4Hex(serverIp) + hash('md5', text, 'hex')
}

/** Prints a value as the legacy system (Go) does. */
export function printValue(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(printValue).join(' ')}]` : String(value ?? '')
}
