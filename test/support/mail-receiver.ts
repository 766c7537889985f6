import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onEnd } from './lifetime.ts'

/** What it answers to a step instead of taking it. */
type Refusal = readonly [status: number, text: string]

export interface MailRules {
  /** By recipient. */
  recipients?: Readonly<Record<string, Refusal>>
  content?: Refusal
  options?: SMTPServerOptions
}

/** A real mail server on loopback, which notes each mail that it took, as it came. Its rules may change. */
export async function startMailReceiver(rules: MailRules = {}) {
  const mails: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    ...rules.options,
    onAuth: ({ username, password }, _session, done) =>
      username === 'backupd' && password === 'p@ss/word'
        ? done(null, { user: username })
        : done(refuse([535, `no such user, or a wrong password`])),
    onRcptTo: ({ address }, _session, done) => done(refuse(rules.recipients?.[address])),
    onData: async (stream, _session, done) => {
      const mail = await text(stream)
      if (!rules.content) mails.push(mail)
      done(refuse(rules.content))
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onEnd(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const { port } = server.server.address() as AddressInfo
  return { mails, port, url: `smtp://127.0.0.1:${port}` }
}

function refuse(refusal: Refusal | undefined): Error | null {
  if (!refusal) return null
  const [responseCode, message] = refusal
  return Object.assign(new Error(message), { responseCode })
}
