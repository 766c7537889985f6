import type { SMTPTransportOptions } from 'nodemailer'
import type { MailPort, SinkAnswer } from '../domain/notify-ports.ts'
import { isLoopback } from '../lib/loopback.ts'

const TIMEOUT_MS = 10_000
const MAX_TEXT = 200

/** What the library adds to its errors. */
interface MailError extends Error {
  code?: string
  /** Of SMTP. */
  responseCode?: number
  response?: string
}

/**
 * Sends mail over SMTP: with TLS from the start (`smtps:`), or with STARTTLS, without which nothing is sent, except to this
 * machine itself. Each mail has a connection of its own, because alarms are rare.
 */
export function createMailClient(): MailPort {
  return {
    async send({ server, from, to }, { id, subject, text }) {
      const url = new URL(server)
      // Only controllers that send mail load it.
      const { createTransport } = await import('nodemailer')
      const transport = createTransport(makeOptions(url))
      try {
        const mail = { from, to: [...to], subject, text, messageId: `<${id}@backupd>` }
        const { response, rejected } = await transport.sendMail({
          ...mail,
          headers: { 'Auto-Submitted': 'auto-generated' },
        })
        const refused = rejected.map(String).join(', ')
        const answer = clean(response) + (refused === '' ? '' : `, but not for ${refused}`)
        return { isTaken: true, isFinal: false, answer }
      } catch (error) {
        return readRefusal(url, error as MailError)
      } finally {
        transport.close()
      }
    },
  }
}

function makeOptions({ protocol, hostname, port, username, password }: URL): SMTPTransportOptions {
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'smtps:'
  const isOwn = isLoopback(host)
  return {
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    ...(!secure && (isOwn ? { ignoreTLS: true } : { requireTLS: true })),
    ...(username !== '' && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

/** A server that refuses the content refuses it always; all else may be mended. Throws if there was no answer. */
function readRefusal({ host }: URL, error: MailError): SinkAnswer {
  const { code, responseCode, response = '' } = error
  if (responseCode === undefined || code === 'ETLS')
    throw new Error(`Cannot send mail through ${host}: ${describeMailFault(error)}`)
  const isFinal = code === 'EMESSAGE' && responseCode >= 500
  return { isTaken: false, isFinal, answer: `SMTP ${clean(response) || responseCode}` }
}

/** None of these has the password. */
function describeMailFault({ code, message }: MailError): string {
  if (code === 'ETIMEDOUT') return `it did not answer within ${TIMEOUT_MS / 1000} s`
  if (code === 'ETLS') return 'it offers no STARTTLS. Use smtps:// if it has TLS from the start'
  const [what = ''] = clean(message).split(';')
  const trust = '. Trust the authority of its certificate with NODE_EXTRA_CA_CERTS'
  return what + (/certificate/i.test(what) ? trust : '')
}

/** What a server wrote, as one line. */
function clean(text: string): string {
  return text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT)
}
