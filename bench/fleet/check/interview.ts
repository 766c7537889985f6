import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DaemonDebug } from '../../../src/wire/daemon-api.ts'
import type { Job } from '../../../src/wire/job.ts'
import type { RunRecord } from '../../../src/wire/record.ts'

/** What a daemon answered or sent, by the name of the question. */
export type Interview = Map<string, { status: number; body: unknown }>

export interface Interviewed {
  ip: string
  port: number
  /** The folder of a volume. */
  volume: string
}

const NEWS_LIMIT_MS = 20_000
const CONTROLLER = { controller: 'c'.repeat(32), controllerUrl: 'http://127.0.0.1:1' }

/** Asks a daemon everything that a controller asks it, has it run a full backup and an increment, and reads its news. */
export async function interview({ ip, port, volume }: Interviewed): Promise<Interview> {
  const answers: Interview = new Map()
  const base = `http://${ip}:${port}/api/v1`
  const ask = async (name: string, method: string, path: string, form?: Record<string, string>) => {
    const body = form ? new URLSearchParams(form) : null
    const response = await fetch(`${base}${path}`, { method, body })
    const text = await response.text()
    answers.set(name, { status: response.status, body: text === '' ? '' : JSON.parse(text) })
  }
  await using receiver = await receiveNews(ip)
  const jobs = makeJobs(volume)
  const list = { data: JSON.stringify(jobs), version: 'v1' }
  await ask('debug without jobs', 'GET', '/debug')
  await ask('new jobs', 'PUT', '/cron/jobs', { ...list, ...CONTROLLER })
  await ask('list of another controller', 'PUT', '/cron/jobs', { ...list, controller: 'd'.repeat(32) })
  await ask('notify', 'PUT', '/notify', { addr: receiver.url, protocol: '2' })
  await ask('jobs', 'GET', '/cron/jobs')
  for (const { id, args } of jobs.slice(0, 2)) {
    const mode = String(args.mode)
    const rid = `1796082427${mode === 'full' ? 'a' : 'b'}${'0'.repeat(31)}`
    await ask(`run ${mode}`, 'POST', `/cron/jobs/${id}/actions/run`, { rid })
    for (const state of ['running', 'success'] as const) {
      answers.set(`news: ${mode} ${state}`, { status: 0, body: await receiver.find(rid, state) })
    }
    await ask(`record ${mode}`, 'GET', `/cron/records/${rid}`)
  }
  await ask('debug with jobs', 'GET', '/debug')
  await ask('debug for a first poll', 'GET', '/debug?list=')
  await ask('sleep', 'POST', `/cron/jobs/${jobs[0]?.id}/actions/sleep`, {})
  await ask('debug for a poll', 'GET', `/debug?list=${readListVersion(answers)}`)
  await ask('wake', 'POST', `/cron/jobs/${jobs[0]?.id}/actions/wakeup`, {})
  await ask('unknown record', 'GET', '/cron/records/1')
  await ask('unknown route', 'GET', '/nothing')
  await ask('backups', 'GET', `/backup/json?protocol=2&namespace=${ip}&limit=10`)
  await ask('namespaces', 'GET', '/backup/namespaces')
  await ask('unknown objects', 'GET', `/backup/unknown?namespace=${ip}`)
  return answers
}

function readListVersion(answers: Interview): string {
  const debug = answers.get('debug with jobs')?.body as DaemonDebug | undefined
  return debug?.listVersion ?? ''
}

function makeJobs(volume: string): Job[] {
  const args = {
    app: 'a',
    archive: 'a-a.web.web-1-db',
    containers: [],
    instanceNo: 1,
    mode: 'full',
    path: volume,
  }
  const all = { ...args, postRun: '', preRun: '', proc: 'a.web.web', volume: '/db' }
  const common = { spec: '0 5 1 1 *', type: 'cron', sleep: false } as const
  return [
    { id: '7f4d0001aaaa', action: 'backup', args: all, ...common },
    { id: '7f4d0001aaab', action: 'backup', args: { ...all, mode: 'increment' }, ...common },
    { id: '', action: 'backup_expire', args: { info: [volume, '30d'] }, ...common },
  ]
}

/** A place for news, which must come from the address of the daemon. */
async function receiveNews(from: string) {
  const posts: { records: RunRecord[] }[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const isOwn = request.socket.remoteAddress === from
    if (isOwn) posts.push(JSON.parse(text))
    response.writeHead(isOwn ? 200 : 403).end('"OK"')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/api/v2/system/notify`,
    /** The first post with a record in this state, with that record only. */
    async find(rid: string, state: RunRecord['state']) {
      for (
        const deadline = performance.now() + NEWS_LIMIT_MS;
        performance.now() < deadline;
        await sleep(20)
      ) {
        const isMeant = (record: RunRecord) => record.rid === rid && record.state === state
        const post = posts.find(({ records }) => records.some(isMeant))
        if (post) return { ...post, records: post.records.filter(isMeant) }
      }
      throw new Error(`${from} did not tell that ${rid} is ${state}`)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
