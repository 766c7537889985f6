import { request } from 'undici'
import { isTerminal, type RunRecord } from '../../src/wire/record.ts'

export interface HttpAnswer {
  status: number
  type: string | undefined
  code: string | undefined
  /** Parsed JSON; '' if there is no body. */
  body: unknown
}

export interface HttpQuestion {
  form?: Record<string, string | readonly string[]>
  json?: unknown
  /** The raw body; its content type is among the headers. */
  raw?: string
  headers?: Record<string, string>
}

/** Sends one request, as any program would. */
export async function askHttp(
  url: string,
  method: string,
  path: string,
  question: HttpQuestion = {},
): Promise<HttpAnswer> {
  const { body, type } = bodyOf(question)
  const response = await request(`${url}${path}`, {
    method: method as 'GET',
    headers: { ...(type === undefined ? {} : { 'content-type': type }), ...question.headers },
    body: body ?? null,
  })
  const text = await response.body.text()
  const code = response.headers['x-backupd-error-code']
  return {
    status: response.statusCode,
    type: response.headers['content-type']?.toString(),
    code: code?.toString(),
    body: text === '' ? '' : JSON.parse(text),
  }
}

function bodyOf({ form, json, raw }: HttpQuestion): { body?: string; type?: string } {
  if (raw !== undefined) return { body: raw }
  if (json !== undefined) return { body: JSON.stringify(json), type: 'application/json' }
  if (form === undefined) return {}
  const fields = new URLSearchParams()
  for (const [name, values] of Object.entries(form))
    for (const value of [values].flat()) fields.append(name, value)
  return { body: fields.toString(), type: 'application/x-www-form-urlencoded' }
}

/** Waits until the run has ended, and returns its record. */
export async function endOfRun(url: string, rid: string): Promise<RunRecord> {
  for (;;) {
    const { body } = await askHttp(url, 'GET', `/api/v1/cron/records/${rid}`)
    const record = body as RunRecord
    if (isTerminal(record.state)) return record
  }
}
