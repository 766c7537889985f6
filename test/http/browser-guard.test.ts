import { expect, test } from 'vitest'
import { guardBrowsers } from '../../src/http/browser-guard.ts'

const FORBIDDEN = expect.objectContaining({ code: 'FORBIDDEN' })

test.each([
  [{ host: '10.0.0.1:9002' }],
  [{ host: '[::1]:9002' }],
  [{ host: 'LOCALHOST:9002' }],
  [{ host: 'Backup.Example' }],
  [{ host: '10.0.0.1:9002', origin: 'http://10.0.0.1:9002' }],
  [{ host: 'localhost', 'sec-fetch-site': 'same-origin' }],
  [{ host: 'localhost', 'sec-fetch-site': 'none' }],
])('%j is allowed', (headers) => {
  guardBrowsers(headers, ['backup.example'])
})

test.each([
  [{}],
  [{ host: '' }],
  [{ host: 'evil.example:9002' }],
  [{ host: 'backup.example.evil.example' }],
  [{ host: 'localhost.evil.example' }],
  [{ host: 'localhost', 'sec-fetch-site': 'cross-site' as const }],
  [{ host: 'localhost', 'sec-fetch-site': 'same-site' as const }],
  [{ host: 'localhost', origin: 'null' }],
  [{ host: 'localhost:9002', origin: 'http://localhost:8080' }],
  [{ host: 'localhost', origin: 'http://localhost.evil.example' }],
])('a page of another site cannot use our programs: %j', (headers) => {
  expect(() => guardBrowsers(headers, ['backup.example'])).toThrow(FORBIDDEN)
})
