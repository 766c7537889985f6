import { expect, test } from 'vitest'
import { decodeXattrs } from '../../src/archive/tar-xattrs.ts'
import { encodeXattrs } from '../../src/archive/xattr-records.ts'
import { loadKernel } from '../../src/lib/kernel.ts'
import { archiveOf, directory, file, pax } from '../support/tar-blocks.ts'
import { makeBench, unpack } from '../support/unpack-kit.ts'

const kernel = loadKernel()
const ACL = 'user::rw-\nuser:1234:r--\ngroup::r--\nmask::r--\nother::---\n'

/** The attributes of a file with these pax records, values as text, and the warnings. */
async function attributesOf(...records: [key: string, value: string | Buffer][]) {
  using bench = makeBench()
  const { warnings } = await unpack(
    archiveOf(directory('db/'), pax(records), file('db/f', 'x')),
    bench.target,
  )
  const path = Buffer.from(`${bench.target}/f`)
  const names = kernel?.listXattrs(path) ?? []
  const values = Object.fromEntries(
    names.map((name) => [String(name), kernel?.getXattr(path, name)?.toString('latin1')]),
  )
  return { values, warnings }
}

test.runIf(kernel)('raw values may contain any bytes, and names are escaped as GNU tar does', async () => {
  const { values } = await attributesOf(
    ['SCHILY.xattr.user.bytes', Buffer.from([0, 0x0a, 0x3d, 0xff])],
    ['SCHILY.xattr.user.empty', ''],
    ['SCHILY.xattr.user.a%3Db%25c', 'v'],
  )
  expect(values).toEqual({ 'user.bytes': '\0\n=\xff', 'user.empty': '', 'user.a=b%c': 'v' })
})

test.runIf(kernel)('a value in the base64 of libarchive is used if there is no raw value', async () => {
  const { values } = await attributesOf(
    ['LIBARCHIVE.xattr.user.only%20here', 'aGVsbG8='],
    ['SCHILY.xattr.user.both', 'raw'],
    ['LIBARCHIVE.xattr.user.both', 'b3RoZXI='],
  )
  expect(values).toEqual({ 'user.only here': 'hello', 'user.both': 'raw' })
})

test.runIf(kernel)('an ACL that exists only as text is restored', async () => {
  const { values, warnings } = await attributesOf(['SCHILY.acl.access', ACL])
  expect(Object.keys(values)).toEqual(['system.posix_acl_access'])
  expect(warnings).toEqual([])
})

test.runIf(kernel)('an ACL for an unknown user is a warning', async () => {
  const { values, warnings } = await attributesOf(['SCHILY.acl.access', `user:who-is-this:rwx\n${ACL}`])
  expect(values).toEqual({})
  expect(warnings).toEqual([
    'fault f: has an ACL that could not be restored (the user "who-is-this" does not exist on this machine)',
  ])
})

test.each(['user.a=b', 'user.a%3Db', 'user.%', 'user.%25', 'user.%253D=%25', 'user.\xff'])(
  'the attribute %j has the same name inside an archive and outside',
  (name) => {
    const value = Buffer.from('value')
    const records = encodeXattrs([{ name: Buffer.from(name, 'latin1'), value }])
    expect(records[0]?.key).not.toContain('=')
    const { xattrs, doubts } = decodeXattrs(records)
    expect([xattrs.map((one) => one.name.toString('latin1')), doubts]).toEqual([[name], []])
  },
)
