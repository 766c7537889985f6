import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCredentialsFile } from '../../../../src/objects/drivers/s3/credentials-file.ts'
import { tempDir } from '../../../support/temp-dir.ts'

function fileWith(text: string): string {
  const file = join(tempDir(), 'credentials')
  writeFileSync(file, text)
  return file
}

test('the profile default is read, as the AWS tools write it', async () => {
  const file = fileWith(
    '# mine\n[other]\naws_access_key_id = WRONG\n\n[default]\r\naws_access_key_id=AKIA\naws_secret_access_key = a/b+c=\n',
  )
  expect(await readCredentialsFile(file)).toEqual({ accessKeyId: 'AKIA', secretAccessKey: 'a/b+c=' })
})

test('a session token is read too', async () => {
  const file = fileWith('aws_access_key_id = A\naws_secret_access_key = B\naws_session_token = C\n')
  expect(await readCredentialsFile(file)).toMatchObject({ sessionToken: 'C' })
})

test.each([
  '',
  '[default]\naws_access_key_id = A\n',
  '[other]\naws_access_key_id = A\naws_secret_access_key = B',
])('a file without a key is refused, and what it holds is not repeated: %j', async (text) => {
  const file = fileWith(text)
  const expected = `Cannot use the credentials in ${file}: it has no key`
  await expect(readCredentialsFile(file)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining(expected),
  })
})

test('a file that cannot be read is named', async () => {
  await expect(readCredentialsFile('/none')).rejects.toThrow(
    "Cannot read the file of --s3-credentials-file: ENOENT: no such file or directory, open '/none'",
  )
})

test.each(['A\x01', 'Ä', 'A B'])('a key that no header can have is refused as such: %j', async (key) => {
  const file = fileWith(`[default]\naws_access_key_id = ${key}\naws_secret_access_key = B\n`)
  await expect(readCredentialsFile(file)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/^Cannot use the credentials in .*: a value has a space/),
  })
})
