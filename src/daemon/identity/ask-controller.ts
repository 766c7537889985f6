import { type buildConnector, Client } from 'undici'
import { isErrorCode } from '../../lib/error-codes.ts'
import { BackupdError, hasCode, messageOf } from '../../lib/errors.ts'
import { withoutControls } from '../../lib/plain-text.ts'
import { type IssuedCertificate, issuedCertificateSchema } from '../../wire/enrolment.ts'
import { ERROR_CODE_HEADER } from '../../wire/error-code-header.ts'
import { parseJson } from '../../wire/json.ts'

const ANSWER_MS = 20_000
const MAX_ANSWER_BYTES = 64 * 1024

export interface CertificateQuestion {
  /** `https://10.0.0.9:9004` */
  url: string
  path: string
  body: object
  connect: buildConnector.connector
}

/** Asks a controller for a certificate. Throws its refusal, or CONTROLLER_UNREACHABLE. */
export async function askForCertificate({
  url,
  path,
  body,
  connect,
}: CertificateQuestion): Promise<IssuedCertificate> {
  const client = new Client(url, { connect, maxResponseSize: MAX_ANSWER_BYTES })
  try {
    const answer = await client.request({
      ...{ method: 'POST', path, body: JSON.stringify(body) },
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    const text = await answer.body.text()
    if (answer.statusCode === 200)
      return parseJson('The answer of the controller', text, issuedCertificateSchema)
    const code = String(answer.headers[ERROR_CODE_HEADER] ?? '')
    const words = withoutControls(text.slice(0, 2000)).replace(/^"|"$/g, '')
    throw new BackupdError(isErrorCode(code) ? code : 'INTERNAL', words)
  } catch (cause) {
    if (cause instanceof BackupdError && !hasCode(cause, 'INTERNAL')) throw cause
    const message = `Cannot reach the controller at ${url}: ${messageOf(cause)}`
    throw new BackupdError('CONTROLLER_UNREACHABLE', message, { cause })
  } finally {
    await client.destroy()
  }
}
