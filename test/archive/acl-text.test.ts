import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAclText } from '../../src/archive/acl-text.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { posixAcl } from '../support/tree-make.ts'
import { makeBench } from '../support/unpack-kit.ts'

const kernel = loadKernel()

test.each([
  ['numbers', 'user::rw-,user:1234:r--,group::r--,group:5678:r-x,mask::rwx,other::---'],
  [
    'lines, in another order',
    'other::---\nmask::rwx\ngroup:5678:r-x\ngroup::r--\nuser:1234:r--\nuser::rw-\n',
  ],
  [
    "star's fourth field",
    'user::rw-,user:lisa:r--:1234,group::r--,group:staff:r-x:5678,mask::rwx,other::---',
  ],
  ['short, with comments', 'u::rw-\nu:1234:r--\ng::r--\t#effective:r--\ng:5678:r-x\nm:rwx\no:---'],
])('%s', (_, text) => {
  const value = posixAcl([
    [1, 6],
    [2, 4, 1234],
    [4, 4],
    [8, 5, 5678],
    [16, 7],
    [32, 0],
  ])
  expect(parseAclText(text)).toEqual({ value, minimal: false })
})

test('three entries say what the mode says', () => {
  expect(parseAclText('user::rwx,group::r-x,other::r-x')).toMatchObject({ minimal: true })
})

test.each([
  ['user:nobody-has-this-name:rwx', 'the user "nobody-has-this-name" does not exist on this machine'],
  ['group:nor-this:rwx', 'the group "nor-this" does not exist on this machine'],
  ['owner@:rwx::allow', '"owner@:rwx::allow" is not an ACL entry, expected one such as user:1000:rwx'],
  ['user::banana', '"user::banana" is not an ACL entry, expected one such as user:1000:rwx'],
])('%s is a problem', (text, problem) => {
  expect(parseAclText(text)).toEqual({ problem })
})

test.skipIf(!kernel || !hasSetfacl())(
  'reads the output of getfacl as the kernel stores it (needs setfacl)',
  () => {
    using bench = makeBench()
    const path = `${bench.path}/f`
    writeFileSync(path, '')
    execFileSync('setfacl', ['-m', 'u:daemon:rw,u:3000000000:r,g:daemon:x', path])
    const parsed = parseAclText(execFileSync('getfacl', ['-cp', path], { encoding: 'utf8' }))
    expect(parsed).toEqual({
      value: kernel?.getXattr(Buffer.from(path), Buffer.from('system.posix_acl_access')),
      minimal: false,
    })
  },
)

function hasSetfacl(): boolean {
  try {
    execFileSync('setfacl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
