import { z } from 'zod'
import type { DaemonPort } from '../domain/ports.ts'
import { BackupdError } from '../lib/errors.ts'
import { CONTENT_PATIENCE_MS, type FileHead } from '../wire/file-content.ts'
import { requireCapabilities } from './daemon-backups.ts'
import type { DaemonHttp, OpenAnswer } from './daemon-http.ts'
import { encodeSegment } from './daemon-request.ts'

const bytes = z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const RANGE = /^bytes (?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16})$/
/** A file has to be found, and then its first byte; the rest is time for the daemon to say why that takes too long. */
const MAX_BEGIN_MS = 2 * CONTENT_PATIENCE_MS + 5000

export function createDaemonFiles(http: DaemonHttp): Pick<DaemonPort, 'readFile'> {
  return {
    async readFile(ip, { name, ...fields }, signal) {
      await requireCapabilities(http, ip, [{ capability: 'content', what: 'hand out files' }])
      const path = `/api/v1/backup/content/${encodeSegment(name)}`
      const request = { method: 'GET', path, query: fields } as const
      const answer = await http.open(ip, request, { beginMs: MAX_BEGIN_MS, signal })
      const head = parseHead(answer)
      if (head) return { head, content: answer.body }
      answer.body.destroy()
      const message = `The daemon on ${ip} sent an unexpected answer: its headers do not say how long the file is. Check that it is a backupd daemon`
      throw new BackupdError('DAEMON_REFUSED', message, { facts: { server: ip } })
    },
  }
}

/** Undefined unless the headers agree with each other. */
function parseHead({ status, headers }: OpenAnswer): FileHead | undefined {
  const length = bytes.safeParse(headers['content-length'])
  if (!length.success) return undefined
  if (status === 200) return { size: length.data, span: { from: 0, end: length.data }, isPart: false }
  const [, first, last, whole] = RANGE.exec(String(headers['content-range'])) ?? []
  const size = bytes.safeParse(whole)
  if (!size.success) return undefined
  if (first === undefined) return status === 416 ? { size: size.data, span: null, isPart: true } : undefined
  const span = { from: Number(first), end: Number(last) + 1 }
  const fits = status === 206 && span.end <= size.data && span.end - span.from === length.data
  return fits ? { size: size.data, span, isPart: true } : undefined
}
