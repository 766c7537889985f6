import { expect, test } from 'vitest'
import { checkRecoverDirectory } from '../../src/wire/recover-directory.ts'

test('a path without surprises is taken as it is, without slashes at its end', () => {
  expect(checkRecoverDirectory('/srv/restored/shop 2026-12-01/')).toBe('/srv/restored/shop 2026-12-01')
  expect(checkRecoverDirectory('/srv/wiederhergestellt/größe')).toBe('/srv/wiederhergestellt/größe')
})

const BAD = {
  empty: '',
  relative: 'srv/restored/x',
  root: '/',
  'a step up': '/srv/restored/../x',
  'a step up at the end': '/srv/restored/..',
  'a dot': '/srv/./x',
  'an empty name': '/srv//x',
  NUL: '/srv/restored/a\0b',
  'a line feed': '/srv/restored/a\nb',
  'a byte in text form': '/srv/restored/\\xff',
  'half a character': '/srv/restored/\ud800',
  'a byte that was not UTF-8': '/srv/restored/\ufffd',
  'a long name': `/srv/${'x'.repeat(201)}`,
  'a long path': `/${'x/'.repeat(600)}y`,
  'a very long path': '/'.repeat(1_000_000),
  'the name of a staging folder': '/srv/restored/.backupd-recover-1',
}

test.for(Object.entries(BAD))('a path with a flaw is refused: %s', ([, path]) => {
  let message = ''
  try {
    checkRecoverDirectory(path)
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_INPUT' })
    message = String(error)
  }
  expect(message).toContain('Cannot recover into "')
  expect(message.length).toBeLessThan(800)
})

test('the root directory is not called relative', () => {
  expect(() => checkRecoverDirectory('/')).toThrow('Cannot recover into "/": it names no folder')
})
