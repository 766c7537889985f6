import { describe, expect, test } from 'vitest'
import { rawRequest } from '../support/raw-http.ts'
import { startRecordedCluster } from '../support/recorded-cluster.ts'

/** What scripts and curl send with a post that has nothing to say. */
const EMPTY: [string, Record<string, string>][] = [
  ['an empty content type', { 'content-type': '', 'content-length': '0' }],
  ['a content type that is none', { 'content-type': 'text', 'content-length': '0' }],
  ['plain text', { 'content-type': 'text/plain', 'content-length': '0' }],
  ['bytes', { 'content-type': 'application/octet-stream', 'content-length': '0' }],
  ['chunks without a type', { 'transfer-encoding': 'chunked' }],
  ['chunks of an empty type', { 'transfer-encoding': 'chunked', 'content-type': '' }],
  ['chunks of a form', { 'transfer-encoding': 'chunked', 'content-type': 'multipart/form-data; boundary=x' }],
]

async function start() {
  const { controller, one } = await startRecordedCluster({ mirror: false })
  const jobs = async () => {
    const { body } = await rawRequest(controller.url, { path: '/api/v2/app/hello/cron/jobs' })
    return JSON.parse(body) as { next: string; job: { id: string } }[]
  }
  await expect.poll(async () => (await jobs())[0]?.next, { timeout: 30_000 }).not.toMatch(/^0001/)
  const id = (await jobs()).map(({ job }) => job.id).find((each) => each.startsWith('0a4d000b')) ?? ''
  return [
    ['the controller', controller.url, `/api/v2/app/hello/cron/jobs/${id}/actions/wakeup`, 200],
    ['the daemon', one.url, `/api/v1/cron/jobs/${id}/actions/wakeup`, 204],
    ['the daemon', one.url, '/api/v1/nope', 404],
  ] as const
}

describe('a POST', () => {
  test('without a body is accepted with any content type', async () => {
    const targets = await start()
    for (const [what, headers] of EMPTY)
      for (const [who, url, path, status] of targets) {
        const answer = await rawRequest(url, { method: 'POST', path, headers })
        expect({ what, who, status: answer.status }).toEqual({ what, who, status })
      }
  })

  test('with a body of unknown type is refused, and so is any POST from a page of another site', async () => {
    for (const [, url, path, status] of await start())
      for (const [type, body] of [
        ['text/plain', 'volume=/data/db'],
        ['', 'x'],
      ] as const) {
        const ask = (headers: Record<string, string>, sent?: string) =>
          rawRequest(url, { method: 'POST', path, headers, ...(sent !== undefined && { body: sent }) })
        expect((await ask({ 'content-type': type }, body)).status).toBe(status === 404 ? 404 : 415)
        const foreign = { 'content-type': type, 'content-length': '0', 'sec-fetch-site': 'cross-site' }
        expect((await ask(foreign)).status).toBe(403)
      }
  })
})
