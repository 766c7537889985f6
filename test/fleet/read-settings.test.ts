import { expect, test } from 'vitest'
import { readSettings } from '../../src/fleet/read-settings.ts'

function read(text: string) {
  return readSettings(text, 'settings.yaml')
}

function findProblem(text: string): string {
  const news = read(text)
  return news.kind === 'broken' ? news.problem : 'none'
}

test('sinks are read with what they match and when they are quiet', () => {
  const text = `
notify:
  ping: { url: "https://hc-ping.com/uuid" }
  sinks:
    - webhook: { url: "https://example.org/hook", secret: 0123456789abcdef }
      match: { severity: critical }
    - name: chat
      webhook: { url: "https://user:pass@hooks.slack.com/T0", format: Slack }
      match: { severity: WARNING, kind: [silent, OVERDUE], app: "team-*" }
      quietHours: { from: "22:00", to: "7:30", zone: Europe/Berlin }
`
  expect(read(text)).toEqual({
    kind: 'settings',
    settings: {
      ping: { url: 'https://hc-ping.com/uuid', failUrl: 'https://hc-ping.com/uuid/fail' },
      sinks: [
        {
          name: 'example.org',
          channel: {
            kind: 'webhook',
            url: 'https://example.org/hook',
            secret: '0123456789abcdef',
            format: 'json',
          },
          match: { severity: 'critical', kinds: null, apps: null },
          quietHours: null,
        },
        {
          name: 'chat',
          channel: {
            kind: 'webhook',
            url: 'https://user:pass@hooks.slack.com/T0',
            secret: null,
            format: 'slack',
          },
          match: { severity: 'warning', kinds: ['SILENT', 'OVERDUE'], apps: ['team-*'] },
          quietHours: { from: 22 * 60, to: 7 * 60 + 30, zone: 'Europe/Berlin' },
        },
      ],
    },
  })
})

test('a sink can be e-mail, with the host of its server as its name', () => {
  const email = '{ to: ops@example.org, from: b@example.org, server: "smtps://u:p%40@mail.example.org" }'
  expect(read(`notify: { sinks: [{ email: ${email} }] }`)).toMatchObject({
    settings: {
      sinks: [
        {
          name: 'mail.example.org',
          channel: {
            kind: 'email',
            to: ['ops@example.org'],
            from: 'b@example.org',
            server: 'smtps://u:p%40@mail.example.org',
          },
        },
      ],
    },
  })
})

test.each(['', '# nothing\n', 'notify: { sinks: [] }'])('%j sets nothing', (text) => {
  expect(read(text)).toEqual({ kind: 'settings', settings: { sinks: [], ping: null } })
})

function makeMail(to: string, server: string): string {
  return `notify: { sinks: [{ email: { to: ${to}, from: a@b, server: "${server}" } }] }`
}

const HOOK = 'webhook: { url: "https://example.org/h" }'

test.each([
  ['notfy: {}', 'line 1, column 1: "notfy" is not known here: did you mean "notify"?'],
  ['notify: 3', 'line 1, column 9: a map belongs here'],
  ['notify: { sinks: {} }', 'line 1, column 18: a list belongs here'],
  ['notify:\n  sinks:\n    - match: {}', 'line 3, column 7: a sink has either "webhook" or "email"'],
  [`notify: { sinks: [{ ${HOOK}, email: {} }] }`, 'a sink has either "webhook" or "email"'],
  ['notify: { sinks: [{ email: { to: a@b, from: a@b } }] }', '"server" is missing here'],
  [makeMail('[]', 'smtp://x'), 'an e-mail has 1 to 50 addresses'],
  [makeMail('"hunter2 <a@b>"', 'smtp://x'), 'this is not an e-mail address'],
  [makeMail('"a@b\\r\\nBcc: hunter2@x"', 'smtp://x'), 'this is not an e-mail address'],
  [makeMail('a@b', 'http://hunter2@x'), 'this is not the URL of a mail server'],
  [makeMail('a@b', 'smtp://u:hunter2%@x'), 'this is not the URL of a mail server'],
  [
    'notify: { sinks: [{ webhook: { url: "ftp://hunter2@x" } }] }',
    'line 1, column 37: this is not the URL of a webhook',
  ],
  [
    'notify: { sinks: [{ webhook: { url: "http://x", secret: hunter2 } }] }',
    'a secret has 16 characters or more',
  ],
  [
    'notify: { sinks: [{ webhook: { url: "http://x", format: hunter } }] }',
    'this is not known here: known are json',
  ],
  [`notify: { sinks: [{ ${HOOK}, match: { severity: bad } }] }`, 'line 1, column 83: this is not known here'],
  [
    `notify: { sinks: [{ ${HOOK}, match: { kind: SILNT } }] }`,
    'line 1, column 79: "SILNT" is not known here: did you mean "SILENT"?',
  ],
  [`notify: { sinks: [{ ${HOOK}, match: { app: [] } }] }`, 'this list is empty'],
  [`notify: { sinks: [{ ${HOOK}, match: { app: "a b" } }] }`, 'this is not an app'],
  [
    `notify: { sinks: [{ ${HOOK}, quietHours: { from: "25:00", to: "7:00" } }] }`,
    'this is not a time of day',
  ],
  [
    `notify: { sinks: [{ ${HOOK}, quietHours: { from: "7:00", to: "7:00" } }] }`,
    'the hours would have no length',
  ],
  [
    `notify: { sinks: [{ ${HOOK}, quietHours: { from: "6:00", to: "7:00", zone: Mars } }] }`,
    'this is not a time zone',
  ],
  [
    `notify: { sinks: [{ ${HOOK} }, { ${HOOK} }] }`,
    'there is another sink "example.org": give each a "name"',
  ],
  ['notify: { ping: {} }', '"url" is missing here'],
  ['notify: { ping: { url: hunter2 } }', 'this is not the URL'],
  ['notify: {\n', 'line '],
])('%j is refused with the place', (text, problem) => {
  const told = findProblem(text)
  expect(told).toMatch(/^The settings settings\.yaml cannot be used: /)
  expect(told).toContain(problem)
  expect(told).not.toContain('hunter2')
})
