import { expect, test } from 'vitest'
import { controllerCommand } from '../../src/cli/controller.ts'

test.each<[string, string[], string]>([
  [
    'a file and lainlet',
    ['--inventory', 'a.yaml', '--lainlet', 'h:1'],
    '--inventory and --lainlet are both given',
  ],
  ['a lainlet without a port', ['--lainlet', 'lainlet.lain'], '--lainlet is "lainlet.lain": write HOST:PORT'],
  [
    'a time of keeping that is none',
    ['--inventory', 'a.yaml', '--keep-records', 'soon'],
    '--keep-records: "soon" is not a retention time',
  ],
  [
    'a range of callers that has a proxy',
    ['--anonymous-from', '10.0.0.0/8=viewer', '--trusted-proxy', '10.0.0.1'],
    '--anonymous-from 10.0.0.0/8 and --trusted-proxy 10.0.0.1 have addresses in common',
  ],
  [
    'an address of metrics without a port',
    ['--metrics-addr', 'host'],
    '--metrics-addr is "host": write HOST:PORT',
  ],
  [
    'a time for the audit that is none',
    ['--keep-audit', 'soon'],
    '--keep-audit: "soon" is not a retention time',
  ],
  ['a lainlet with a path', ['--lainlet', 'http://h:1/x'], '--lainlet is "http://h:1/x": write HOST:PORT'],
])('%s is refused before anything is opened', async (_, flags, words) => {
  const command = controllerCommand().exitOverride()
  const run = command.parseAsync(['--addr', '127.0.0.1:0', ...flags], { from: 'user' })
  await expect(run).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(words) })
})
