import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createMailClient } from '../../src/fleet/mail-client.ts'
import { hasOpenssl, makeCertificate } from '../support/certificates.ts'
import { startMailReceiver } from '../support/mail-receiver.ts'
import { tempDir } from '../support/temp-dir.ts'

const MESSAGE = { id: 'aa-1', subject: '[backupd] CRITICAL SILENT', text: 'It does not answer – für Sie\n' }
const USER = 'backupd:p%40ss%2Fword@'

const NEVER = new AbortController().signal

function send(server: string, to: readonly string[] = ['ops@example.org'], stop = NEVER) {
  const email = { kind: 'email', from: 'backupd@example.org', to, server } as const
  return createMailClient().send(email, MESSAGE, stop)
}

test('a mail is taken, with the id by which a receiver drops a second one', async () => {
  const { url, mails } = await startMailReceiver()
  expect(await send(url.replace('//', `//${USER}`), ['ops@example.org', 'boss@example.org'])).toMatchObject({
    ...{ isTaken: true, isFinal: false, answer: expect.stringMatching(/^250 /) },
  })
  expect(mails).toEqual([expect.stringContaining('Message-ID: <aa-1@backupd>')])
  expect(mails[0]).toContain('Subject: [backupd] CRITICAL SILENT')
  expect(mails[0]).toContain('To: ops@example.org, boss@example.org')
  expect(mails[0]).toContain('f=C3=BCr Sie')
})

test('an address that is refused beside others is named', async () => {
  const { url, mails } = await startMailReceiver({
    recipients: { 'gone@example.org': [550, 'no such user'] },
  })
  const { isTaken, answer } = await send(url, ['ops@example.org', 'gone@example.org'])
  expect([isTaken, mails.length]).toEqual([true, 1])
  expect(answer).toContain('but not for gone@example.org')
})

test.each([
  ['a full mailbox', { recipients: { 'ops@example.org': [451, 'try later'] } }, false],
  ['an unknown address', { recipients: { 'ops@example.org': [550, 'no such user'] } }, false],
  ['content that it never takes', { content: [552, 'too large'] }, true],
  ['content that it does not take now', { content: [452, 'no room'] }, false],
] as const)('%s is a refusal', async (_what, rules, isFinal) => {
  const { url, mails } = await startMailReceiver({ ...rules })
  const answer = expect.stringMatching(/^SMTP (45|55)\d /)
  expect(await send(url)).toEqual({ isTaken: false, isFinal, answer })
  expect(mails).toEqual([])
})

test('a wrong password is a refusal, and stands in no answer', async () => {
  const { url } = await startMailReceiver()
  const { isTaken, isFinal, answer } = await send(url.replace('//', '//backupd:hunter2@'))
  expect({ isTaken, isFinal }).toEqual({ isTaken: false, isFinal: false })
  expect(answer).toMatch(/^SMTP 535 /)
  expect(answer).not.toContain('hunter2')
})

test('nothing is sent in the clear to a server that may be another machine', async () => {
  const { port, mails } = await startMailReceiver()
  const message = `Cannot send mail through 0.0.0.0:${port}: it offers no STARTTLS`
  await expect(send(`smtp://${USER}0.0.0.0:${port}`)).rejects.toThrow(message)
  expect(mails).toEqual([])
})

test('a server that is not there is named without the password', async () => {
  const failure = await send('smtp://backupd:hunter2@127.0.0.1:1').catch((error: Error) => error.message)
  expect(failure).toBe('Cannot send mail through 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1')
})

test.skipIf(!hasOpenssl)('TLS needs a certificate that is trusted (needs openssl)', async () => {
  const { certFile, keyFile } = await makeCertificate(tempDir(), 'mail')
  const [cert, key] = [await readFile(certFile, 'utf8'), await readFile(keyFile, 'utf8')]
  const { port, mails } = await startMailReceiver({ options: { secure: true, cert, key } })
  const url = `smtps://${USER}127.0.0.1:${port}`
  await expect(send(url)).rejects.toThrow(/self-signed certificate. Trust the authority/)
  const before = getCACertificates('default')
  onTestFinished(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, cert])
  expect(await send(url)).toMatchObject({ isTaken: true })
  expect(mails).toHaveLength(1)
})

test('a mail server that sends a little for ever is left when the controller stops', async () => {
  const closed = Promise.withResolvers<void>()
  const stop = new AbortController()
  const server = createServer((socket) => {
    socket.write('220 hello\r\n')
    // The answer to EHLO has always another line.
    socket.on('data', () => {
      socket.write('250-and more\r\n')
      setImmediate(() => stop.abort())
    })
    socket.on('error', () => {})
    socket.on('close', () => closed.resolve())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const sent = send(`smtp://127.0.0.1:${port}`, ['ops@example.org'], stop.signal)
  await expect(sent).rejects.toThrow(`Cannot send mail through 127.0.0.1:${port}: it did not take it within`)
  await closed.promise
})
