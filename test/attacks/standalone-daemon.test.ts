import { createPublicKey } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DAEMON_ROUTES } from '../../src/daemon/routes.ts'
import { createAuthority, issueCertificate } from '../../src/lib/certificates/issue-certificate.ts'
import { type CertifiedPair, createKeyPem } from '../../src/lib/certificates/x509.ts'
import { CONTROLLER_URI, makeServerUri, NEWS_PATH } from '../../src/wire/enrolment.ts'
import { askTls } from '../support/enrolled-daemon.ts'
import { freePort } from '../support/free-port.ts'
import { ask, backUp, type Program, startStandalone } from '../support/standalone.ts'

let folder: string
let running: Program | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standalone-'))
  await mkdir(join(folder, 'volume'))
  await writeFile(join(folder, 'volume/file'), 'x')
})

afterEach(async () => {
  running?.process.kill('SIGKILL')
  await running?.ended
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

async function start(more: string[] = []) {
  const started = await startStandalone(folder, more)
  running = started.program
  await started.program.said(/\/graphql/)
  return started
}

/** What another user of the machine can make: a certificate of an authority of its own. */
async function forge(uri: string): Promise<CertifiedPair> {
  const authority = await createAuthority('backupd standalone', Date.now())
  const key = createKeyPem()
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { key, certificate: await issueCertificate(authority, { uri, publicKey }, Date.now()) }
}

/** The TCP ports on which a process listens. */
async function listPorts(pid: number): Promise<number[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  )
  const sockets = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]))
  const lines = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).trim().split('\n').slice(1)
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(inode))
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
}

test('another process of the machine cannot ask the daemon of standalone for anything', async () => {
  const { daemonUrl } = await start()
  const daemonPairs = [undefined, await forge(CONTROLLER_URI), await forge(makeServerUri('127.0.0.1'))]
  for (const { method, path } of DAEMON_ROUTES) {
    const url = path.replaceAll(/:\w+|\*/g, 'x')
    await expect(fetch(`${daemonUrl}${url}`, { method }), `plain ${method} ${path}`).rejects.toThrow()
    for (const own of daemonPairs)
      expect(await askTls(daemonUrl, { method, path: url, own }), `${method} ${path}`).toMatchObject({
        status: 403,
      })
  }
})

test('another process of the machine cannot send news in the name of the daemon of standalone', async () => {
  const { program, url, daemonUrl } = await start()
  const news = {
    ...{ protocol: 2, daemonId: 'a'.repeat(32), server: '127.0.0.1' },
    ...{ records: [], running: [] },
  }
  const plain = await fetch(new URL(NEWS_PATH, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(news),
  })
  expect(plain.status).toBe(403)
  expect(await plain.text()).toMatch(/runs in this process/)
  const known = [url, daemonUrl].map((each) => Number(new URL(each).port))
  const ports = (await listPorts(program.process.pid ?? 0)).filter((port) => !known.includes(port))
  expect(ports, 'where it listens for news').toHaveLength(1)
  for (const own of [undefined, await forge(makeServerUri('127.0.0.1')), await forge(CONTROLLER_URI)]) {
    const question = { method: 'POST', path: NEWS_PATH, body: news, own }
    expect(await askTls(`https://127.0.0.1:${ports[0]}`, question)).toMatchObject({ status: 403 })
  }
})

test('standalone sends news of runs that ended before a restart of another port, over its own link', async () => {
  const first = await start()
  await backUp(first.url)
  first.program.process.kill('SIGTERM')
  await first.program.ended
  const { url } = await start()
  await backUp(url)
  const { servers, records } = await ask<{
    servers: { link: string; reachable: boolean; problems: string[] }[]
    records: { totalCount: number }
  }>(url, '{ servers { link reachable problems } records(filter: {action: "backup"}) { totalCount } }')
  expect(servers).toEqual([{ link: 'IN_PROCESS', reachable: true, problems: [] }])
  expect(records.totalCount).toBe(2)
})

test('the metrics of the daemon of standalone can be read on a port of their own', async () => {
  const port = await freePort()
  await start(['--daemon-metrics-addr', `127.0.0.1:${port}`])
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^backupd_daemon_/m)
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/debug`)).status).toBe(404)
})
