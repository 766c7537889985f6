import { BackupdError } from '../../lib/errors.ts'
import { redactUrl } from '../../lib/redact-url.ts'
import { PROTOCOL } from '../../wire/daemon-api.ts'
import type { RequestFields } from '../../wire/request-fields.ts'
import type { DaemonAnswer, DaemonCall, DaemonParts } from '../http/route.ts'

const MAX_ADDRESSES = 50

export function handleNotifyList(_call: DaemonCall, { notifier }: DaemonParts): DaemonAnswer {
  return { status: 200, body: { addr: notifier.shownAddresses() } }
}

/** Fields: `addr` (one or many), which are added to the known addresses, and `protocol`. */
export async function handleNotifyAdd(
  { fields }: DaemonCall,
  { notifier }: DaemonParts,
): Promise<DaemonAnswer> {
  const addresses = readAddresses(fields)
  for (const address of addresses) {
    checkAddress(address)
    const refusal = notifier.refuse(address)
    if (refusal !== undefined)
      throw new BackupdError('FORBIDDEN', `Cannot add ${redactUrl(address)} as a notify address: ${refusal}`)
  }
  if (new Set([...notifier.addresses(), ...addresses]).size > MAX_ADDRESSES) {
    throw new BackupdError(
      'BAD_INPUT',
      `Cannot add a notify address: a daemon sends news to ${MAX_ADDRESSES} addresses at most. POST /api/v1/notify/actions/remove removes one`,
    )
  }
  const protocol = fields.text('protocol') === String(PROTOCOL) ? PROTOCOL : 1
  for (const address of addresses) await notifier.add({ address, protocol })
  return { status: 200, body: 'OK' }
}

/** An unknown address is not an error. */
export async function handleNotifyRemove(
  { fields }: DaemonCall,
  { notifier }: DaemonParts,
): Promise<DaemonAnswer> {
  for (const address of readAddresses(fields)) await notifier.remove(address)
  return { status: 203, body: 'OK' }
}

function readAddresses(fields: RequestFields): string[] {
  const addresses = fields.list('addr').filter((address) => address !== '')
  if (addresses.length > 0) return addresses
  throw new BackupdError(
    'BAD_INPUT',
    'The field "addr" is missing, expected a notify address such as addr=http://10.0.0.1:9002/api/v2/system/notify',
  )
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (address.length <= 2000 && (url?.protocol === 'http:' || url?.protocol === 'https:')) return
  throw new BackupdError(
    'BAD_INPUT',
    `"${redactUrl(address).slice(0, 300)}" is not a notify address, expected a URL that begins with http:// or https://`,
  )
}
