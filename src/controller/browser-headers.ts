import type { FastifyInstance } from 'fastify'
import type { RequestSenders } from './request-senders.ts'

/** Browsers then use TLS alone for this host name, on every port. Seconds: 180 days. */
const HSTS = 'max-age=15552000'

interface BrowserHeaderOptions {
  senders: RequestSenders
  /** Tell browsers that came through TLS to use nothing else. */
  hsts: boolean
}

/** Adds what browsers must know of every answer. Call it before routes are added. */
export function addBrowserHeaders(app: FastifyInstance, { senders, hsts }: BrowserHeaderOptions): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    if (hsts && senders.find(raw).isEncrypted) reply.header('strict-transport-security', HSTS)
  })
}

/** What a page may load, by directive of Content-Security-Policy. Scripts come from this controller, in files. */
const NOTHING = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}
const APPLICATION = {
  ...NOTHING,
  'script-src': "'self'",
  'connect-src': "'self'",
  'worker-src': "'self' blob:",
  // The editor and React set styles of elements.
  'style-src': "'self' 'unsafe-inline'",
  'font-src': "'self' data:",
  'img-src': "'self' data:",
}

/** For a page with scripts. */
export const APPLICATION_HEADERS = makePageHeaders(APPLICATION)
/** For a page that is text and links alone. */
export const TEXT_PAGE_HEADERS = makePageHeaders(NOTHING)

/** For a file from a backup, which may be anything: a browser shows it to nobody, and never as a page of ours. */
export const DOWNLOAD_HEADERS: Record<string, string> = {
  ...makePageHeaders({ ...NOTHING, sandbox: '' }),
  'cache-control': 'no-store',
}

function makePageHeaders(policy: Readonly<Record<string, string>>): Record<string, string> {
  return {
    'content-security-policy': Object.entries(policy)
      .map((directive) => directive.join(' '))
      .join('; '),
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  }
}
