import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { RequestSenders } from '../../src/controller/request-senders.ts'
import { parseCidr } from '../../src/lib/cidr.ts'

const PROXIES = ['10.0.0.2', '10.0.1.0/24', '2001:db8::2'].flatMap((text) => parseCidr(text) ?? [])

/** A request as Node gives it: over plain HTTP, from an address. */
function receive(remoteAddress: string, headers: Record<string, string> = {}) {
  const socket = new Socket()
  Object.defineProperties(socket, {
    remoteAddress: { value: remoteAddress },
    localAddress: { value: '10.0.0.9' },
  })
  const request = new IncomingMessage(socket)
  Object.assign(request.headers, headers)
  return new RequestSenders(PROXIES).find(request)
}

function forward(forwarded: string, more: Record<string, string> = {}, proxy = '10.0.0.2') {
  return receive(proxy, { 'x-forwarded-for': forwarded, ...more })
}

test('a caller without a proxy has the address of the connection', () => {
  expect(receive('::ffff:10.0.0.7')).toEqual({
    ...{ address: '10.0.0.7', isUnproven: false, isEncrypted: false, isPrivate: false },
  })
  expect(receive('127.0.0.1')).toMatchObject({ isPrivate: true, isEncrypted: false })
  expect(receive('10.0.0.9')).toMatchObject({ isPrivate: true })
})

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['127.0.0.1, 10.0.0.2, 203.0.113.7, 10.0.1.5', '203.0.113.7'],
  ['203.0.113.7:4711', '203.0.113.7'],
  ['[2001:db8::7]:4711', '2001:db8::7'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['nonsense, 203.0.113.7', '203.0.113.7'],
  ['10.0.1.7, 10.0.1.8', '10.0.1.7'],
])('a trusted proxy that says "%s" asks for %s', (forwarded, address) => {
  expect(forward(forwarded)).toMatchObject({ address, isUnproven: false })
})

test.each(['::ffff:10.0.0.2', '10.0.1.200', '2001:DB8::2'])('%s is a trusted proxy', (proxy) => {
  expect(forward('203.0.113.7', {}, proxy)).toMatchObject({ address: '203.0.113.7', isUnproven: false })
})

test.each([
  ...[
    '',
    ',',
    'unknown',
    '_hidden',
    '203.0.113.7,',
    '203.0.113',
    '203.0.113.7:port',
    '[203.0.113.7',
    '<script>',
  ],
  ...[
    '203.0.113.7;10.0.0.1',
    'for=203.0.113.7',
    '203.0.113.7 10.0.0.1',
    '10.0.0.300',
    '0x7f.1',
    '%00',
    '٣.٣.٣.٣',
  ],
])('what a trusted proxy says as "%s" proves nothing', (forwarded) => {
  expect(forward(forwarded)).toMatchObject({ address: '10.0.0.2', isUnproven: true })
})

test('more trusted hops than anybody has prove nothing, and a long header takes no time', () => {
  expect(forward(Array(33).fill('10.0.1.7').join(','))).toMatchObject({ isUnproven: true })
  expect(forward('1,'.repeat(8000))).toMatchObject({ address: '10.0.0.2', isUnproven: true })
  expect(forward(`${'1.1.1.1, '.repeat(1700)}203.0.113.7`)).toMatchObject({ address: '203.0.113.7' })
})

test.each(['forwarded', 'via', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto', 'cf-connecting-ip'])(
  '%s proves nothing, whoever sends it',
  (name) => {
    expect(receive('10.0.0.7', { [name]: '10.0.0.1' })).toMatchObject({
      address: '10.0.0.7',
      isUnproven: true,
    })
    expect(receive('10.0.0.2', { [name]: 'https' })).toMatchObject({ address: '10.0.0.2', isUnproven: true })
  },
)

test('nobody but a trusted proxy can name another address', () => {
  const headers = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' }
  expect(receive('10.0.0.7', headers)).toEqual({
    ...{ address: '10.0.0.7', isUnproven: true, isEncrypted: false, isPrivate: false },
  })
})

test('a proxy that sends Forwarded, too, may have passed on what its caller wrote', () => {
  expect(forward('203.0.113.7', { forwarded: 'for=198.51.100.1' })).toMatchObject({ isUnproven: true })
})

test.each([
  ['https', true],
  ['HTTPS', true],
  ['https, https', true],
  ['http', false],
  ['https, http', false],
  ['http, https', false],
  ['', false],
  ['wss', false],
])('a trusted proxy that says "%s" as the scheme: through TLS is %s', (scheme, isEncrypted) => {
  const sender = forward('203.0.113.7', { 'x-forwarded-proto': scheme })
  expect(sender).toMatchObject({ isEncrypted, isPrivate: isEncrypted })
})

test('a proxy on this machine does not make its callers private', () => {
  const senders = new RequestSenders([{ family: 'ipv4', address: '127.0.0.1', prefix: 32 }])
  const socket = new Socket()
  Object.defineProperties(socket, {
    remoteAddress: { value: '127.0.0.1' },
    localAddress: { value: '127.0.0.1' },
  })
  const request = new IncomingMessage(socket)
  expect(senders.find(request)).toMatchObject({ isPrivate: true })
  const forwarded = new IncomingMessage(socket)
  forwarded.headers['x-forwarded-for'] = '203.0.113.7'
  expect(senders.find(forwarded)).toMatchObject({ isPrivate: false })
})
