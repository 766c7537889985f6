import { expect, test } from 'vitest'
import { ipv4Hex, jobId, newRid, RID_PATTERN, serverOfJobId } from '../../src/wire/ids.ts'

test('a job id is the recorded one', () => {
  const args = {
    app: 'hello',
    archive: 'hello-hello.web.web-1-data-db',
    containers: ['c1'],
    instanceNo: 1,
    mode: 'full',
    path: '/data/lain/volumes/hello/hello.web.web/1/data/db',
    postRun: '',
    preRun: '',
    proc: 'hello.web.web',
    volume: '/data/db',
  }
  expect(jobId('10.77.0.11', { spec: '0 5 * * *', action: 'backup', args })).toBe(
    '0a4d000b0b46c535c4493a6b508e69c211c35d81',
  )
})

test('a job id names its server', () => {
  expect(serverOfJobId('0a4d000b0b46c535c4493a6b508e69c211c35d81')).toBe('10.77.0.11')
  expect(serverOfJobId('nonsense')).toBeUndefined()
})

test('only an IPv4 has a hex form', () => {
  expect(ipv4Hex('127.0.0.1')).toBe('7f000001')
  expect(() => ipv4Hex('::1')).toThrow('"::1" is not an IPv4 address, expected one such as 10.0.0.1')
})

test('a rid starts with its second and is never repeated', () => {
  const [one, two] = [newRid(1_795_425_842_999), newRid(1_795_425_842_999)]
  expect(one).toMatch(RID_PATTERN)
  expect(one.slice(0, 10)).toBe('1795425842')
  expect(one).not.toBe(two)
})
