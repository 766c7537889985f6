import { expect, test } from 'vitest'
import { parseHookCommand } from '../../src/wire/hook.ts'

test.each([
  ['quiesce.sh', ['quiesce.sh']],
  ['  quiesce.sh   --all\u00a0x ', ['quiesce.sh', '--all', 'x']],
  [`bin/q 'a b' "c d" e\\ f g'h'"i"`, ['bin/q', 'a b', 'c d', 'e f', 'ghi']],
  [`q '' "" '\\n$(id)' "\\"\\\\\\n"`, ['q', '', '', '\\n$(id)', '"\\\\n']],
  ['q $(id) `id` ; rm * > x', ['q', '$(id)', '`id`', ';', 'rm', '*', '>', 'x']],
  [`q it\\'s`, ['q', "it's"]],
])('a hook is an argument list, which no shell reads: %s', (text, command) => {
  expect(parseHookCommand(text)).toEqual(command)
})

test.each([
  ["q 'a", 'a quote is not closed'],
  ['q "a\\"', 'a quote is not closed'],
  ['q \\', 'nothing follows'],
  ['', 'it names no script'],
  ["'' x", 'it names no script'],
  ['a\nb', 'expected one line'],
  ['a\0b', 'expected one line'],
  [`q ${'x'.repeat(5000)}`, 'at most 4096'],
])('a hook that cannot be read says why: %j', (text, why) => {
  expect(() => parseHookCommand(text)).toThrow(why)
})

test('a long hook with many quotes is read at once', () => {
  expect(parseHookCommand(`q ${`'a'`.repeat(1000)}`)[1]).toHaveLength(1000)
  expect(() => parseHookCommand(`q ${'"\\'.repeat(2000)}`)).toThrow('Cannot use the hook')
})
