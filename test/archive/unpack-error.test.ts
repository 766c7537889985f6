import { expect, test } from 'vitest'
import { ArchiveFault } from '../../src/archive/archive-fault.ts'
import { explainUnpackError } from '../../src/archive/unpack-error.ts'

const PLACE = { position: 512, entry: Buffer.from('db/f') }
const errorOf = (code: string) => Object.assign(new Error(`${code}: it went wrong`), { code })

test.each(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'ERR_BUFFER_TOO_LARGE'])('%s is damage of the archive', (code) => {
  expect(explainUnpackError(errorOf(code), PLACE)).toMatchObject({
    code: 'ARCHIVE_CORRUPT',
    message: expect.stringMatching(/cannot be inflated.*byte 512 of its tar stream, at "db\/f"/),
  })
})

test.each(['ELOOP', 'ENOTDIR', 'EXDEV'])('%s means that a name leads through a link', (code) => {
  expect(explainUnpackError(errorOf(code), PLACE)).toMatchObject({ code: 'ARCHIVE_UNSAFE' })
})

test.each(['Z_MEM_ERROR', 'ENOMEM', 'EIO', 'EBADF', 'ENOSPC'])(
  '%s is not damage: another reader may succeed',
  (code) => {
    const error = errorOf(code)
    expect(explainUnpackError(error, PLACE)).toBe(error)
  },
)

test('a fault before the first entry names no entry', () => {
  const fault = new ArchiveFault('corrupt', 'it is cut off')
  expect(explainUnpackError(fault, { position: 0, entry: undefined })).toMatchObject({
    message: 'The archive is damaged: it is cut off (byte 0 of its tar stream). Use an older backup',
    facts: { position: 0, entry: null },
  })
})
