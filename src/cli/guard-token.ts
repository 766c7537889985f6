import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { isLoopback } from '../lib/loopback.ts'
import { parseIp } from '../lib/plain-ip.ts'

/**
 * Refuses to send a token over plain HTTP to another machine. The controller would refuse it too, but only after others
 * could have read it. Throws TLS_REQUIRED, or CONTROLLER_UNREACHABLE if the host is not known.
 */
export async function guardToken(url: string): Promise<void> {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || (await isThisMachine(hostname.replace(/^\[|\]$/g, ''), url))) return
  throw new BackupdError(
    'TLS_REQUIRED',
    `The token was not sent to ${url}: that is plain HTTP to another machine, where others may read it. Name the https:// address of the controller with --url, use an SSH tunnel, or give --insecure-http`,
  )
}

/** Whether all addresses of the host are of this machine. */
async function isThisMachine(host: string, url: string): Promise<boolean> {
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
  const found = await lookup(host, { all: true }).catch((cause) => {
    const message = `The controller at ${url} cannot be found: ${messageOf(cause)}. Name it with --url`
    throw new BackupdError('CONTROLLER_UNREACHABLE', message, { cause })
  })
  const addresses = found.map(({ address }) => parseIp(address) ?? address)
  return addresses.every((address) => isLoopback(address) || own.includes(address))
}
