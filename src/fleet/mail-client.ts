import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { SMTPTransportOptions } from 'nodemailer'
import type { MailPort, SinkAnswer } from '../domain/notify-ports.ts'
import { isLoopback } from '../lib/loopback.ts'
import { untilAborted } from './until-aborted.ts'

/** Of one step. */
const TIMEOUT_MS = 10_000
/** Of all of them together: a server may send a little at each step for ever. */
const WHOLE_TIMEOUT_MS = 30_000
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
    async send({ server, from, to }, { id, subject, text }, stop) {
      const url = new URL(server)
      // Only controllers that send mail load it.
      const { createTransport } = await import('nodemailer')
      const signal = AbortSignal.any([stop, AbortSignal.timeout(WHOLE_TIMEOUT_MS)])
      try {
        const connection = await connectTo(url, signal)
        const transport = createTransport({ ...makeOptions(url), connection })
        const mail = { from, to: [...to], subject, text, messageId: `<${id}@backupd>` }
        const headers = { 'Auto-Submitted': 'auto-generated' }
        const { response, rejected } = await untilAborted(transport.sendMail({ ...mail, headers }), signal)
        connection.destroy()
        const refused = rejected.map(String).join(', ')
        const answer = clean(response) + (refused === '' ? '' : `, but not for ${refused}`)
        return { isTaken: true, isFinal: false, answer }
      } catch (error) {
        if (signal.aborted) throw makeMailFault(url, `it did not take it within ${WHOLE_TIMEOUT_MS / 1000} s`)
        return readRefusal(url, error as MailError)
      }
    },
  }
}

/** The library cannot be stopped, but its connection can: it breaks when the signal aborts. */
async function connectTo(url: URL, signal: AbortSignal): Promise<Socket> {
  const { host, port } = readAddress(url)
  const socket = connect({ host, port, signal })
  socket.on('error', () => {})
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function readAddress({ protocol, hostname, port }: URL): { host: string; port: number } {
  const standard = protocol === 'smtps:' ? 465 : 587
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? standard : Number(port) }
}

function makeOptions(url: URL): SMTPTransportOptions {
  const { protocol, username, password } = url
  const { host, port } = readAddress(url)
  const secure = protocol === 'smtps:'
  const isOwn = isLoopback(host)
  return {
    host,
    port,
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
function readRefusal(url: URL, error: MailError): SinkAnswer {
  const { code, responseCode, response = '' } = error
  if (responseCode === undefined || code === 'ETLS') throw makeMailFault(url, describeMailFault(error))
  const isFinal = code === 'EMESSAGE' && responseCode >= 500
  return { isTaken: false, isFinal, answer: `SMTP ${clean(response) || responseCode}` }
}

function makeMailFault({ host }: URL, what: string): Error {
  return new Error(`Cannot send mail through ${host}: ${what}`)
}

/** None of these has the password. */
function describeMailFault({ code, message, name }: MailError): string {
  if (code === 'ETIMEDOUT' || name === 'AbortError') return `it did not answer within ${TIMEOUT_MS / 1000} s`
  if (code === 'ETLS') return 'it offers no STARTTLS. Use smtps:// if it has TLS from the start'
  // An error that stands for several addresses has no message.
  const [what = ''] = (clean(message) || String(code)).split(';')
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
