import { expect, test } from 'vitest'
import { parseAddressRules } from '../../src/controller/address-rules.ts'

function parse(anonymousFrom: string[], trustedProxy: string[] = []) {
  return parseAddressRules({ anonymousFrom, trustedProxy })
}

test('ranges give a role for everything, or for some apps', () => {
  const { anonymousFrom } = parse([
    ...['10.0.0.0/8=viewer', '10.0.0.20=operator:shop,team-*', '2001:db8::/32=restorer:shop', '::1=admin:*'],
  ])
  expect(anonymousFrom.map(({ grant }) => grant)).toEqual([
    { role: 'viewer', apps: null },
    { role: 'operator', apps: ['shop', 'team-*'] },
    { role: 'restorer', apps: ['shop'] },
    { role: 'admin', apps: null },
  ])
  expect(anonymousFrom[2]?.range).toEqual({ family: 'ipv6', address: '2001:db8::', prefix: 32 })
})

test.each([
  ...['10.0.0.0/8', '10.0.0.0/8=', '=viewer', '10.0.0.0/8=none', '10.0.0.0/8=Viewer', '10.0.0.0/8=viewer:'],
  ...['10.0.0.0/8=viewer:a,,b', '10.0.0.0/8=viewer:a b', '10.0.0.0/8=viewer=x', '10.0.0.0/40=viewer'],
  ...['10.0.0.0/8=constructor', 'localhost=viewer', '10.0.0.0/8=viewer:*a'],
])('%s is refused with the flag and examples', (text) => {
  expect(() => parse([text])).toThrow(`--anonymous-from is ${JSON.stringify(text)}, expected CIDR=ROLE`)
})

test.each(['', 'proxy', '10.0.0.0/33', '0.0.0.0/0', '::/0'])('%s is not a proxy', (text) => {
  expect(() => parse([], [text])).toThrow(`--trusted-proxy is ${JSON.stringify(text)}`)
})

test.each([
  ['127.0.0.0/8=admin', '127.0.0.1'],
  ['10.0.0.1=viewer', '10.0.0.0/24'],
  ['0.0.0.0/0=viewer', '::ffff:10.0.0.1'],
  ['2001:db8::/32=viewer', '2001:db8::1'],
])('%s with the trusted proxy %s is refused', (from, proxy) => {
  expect(() => parse([from], [proxy])).toThrow(/have addresses in common/)
})

test('ranges beside a proxy are accepted', () => {
  expect(parse(['10.0.0.0/25=viewer'], ['10.0.0.128/32', '::1']).trustedProxies).toHaveLength(2)
})
