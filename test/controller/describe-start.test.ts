import { expect, test } from 'vitest'
import { parseAddressRules } from '../../src/controller/address-rules.ts'
import type { ControllerOptions } from '../../src/controller/controller-options.ts'
import { describeStart } from '../../src/controller/describe-start.ts'

const LEAST = { version: '1.2.3', host: '127.0.0.1', port: 9002, allowedHosts: [] }

test('the audit says of a start who may reach the controller and do what', () => {
  const rules = parseAddressRules({
    anonymousFrom: ['10.0.0.20/32=operator:shop'],
    trustedProxy: ['10.0.0.9/32'],
  })
  const options = {
    ...LEAST,
    allowedHosts: ['backup.example'],
    access: { anonymous: 'viewer', insecureHttp: true, ...rules },
    tls: { host: '0.0.0.0', port: 9443, certFile: 'cert.pem', keyFile: 'key.pem' },
    metricsAddress: { host: '10.0.0.1', port: 9100 },
  }
  expect(describeStart(options as unknown as ControllerOptions)).toEqual({
    version: '1.2.3',
    listen: '127.0.0.1:9002',
    anonymous: 'viewer',
    insecureHttp: true,
    anonymousFrom: ['operator of shop from 10.0.0.20'],
    trustedProxies: ['10.0.0.9'],
    allowedHosts: ['backup.example'],
    tls: '0.0.0.0:9443',
    metrics: '10.0.0.1:9100',
  })
})

test('the audit says nothing of flags that were not given', () => {
  const options = { ...LEAST, access: { anonymous: undefined, insecureHttp: false } }
  expect(describeStart(options as unknown as ControllerOptions)).toEqual({
    version: '1.2.3',
    listen: '127.0.0.1:9002',
    anonymous: 'not said',
  })
})
