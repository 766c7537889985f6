import { expect, test } from 'vitest'
import { controllerCommand } from '../../src/cli/controller.ts'
import { parseNewsFrom } from '../../src/cli/news-from.ts'
import { standaloneCommand } from '../../src/cli/standalone.ts'

test.each([
  ['10.0.0.5=192.168.1.1', '192.168.1.1'],
  ['10.0.0.5=2001:DB8:0:0::1', '2001:db8::1'],
  ['10.0.0.5=::ffff:192.168.1.1', '192.168.1.1'],
  ['::ffff:10.0.0.5=::ffff:c0a8:101', '192.168.1.1'],
  ['10.0.0.5=fe80::1%eth0', 'fe80::1%eth0'],
])('news of 10.0.0.5 is accepted with --news-from %s from %s', (pair, address) => {
  expect(parseNewsFrom([pair])('10.0.0.5')).toEqual([address])
})

test.each(['10.0.0.5', '10.0.0.5=', '2001:db8::5=10.0.0.1', 'host=10.0.0.1', '10.0.0.5=::1=::2'])(
  '--news-from %s is refused',
  (pair) => {
    expect(() => parseNewsFrom([pair])).toThrow('expected SERVER=ADDRESS')
  },
)

test.each([controllerCommand(), standaloneCommand()])('$_name has --news-from', (command) => {
  expect(command.helpInformation()).toContain('--news-from <server=address>')
})
