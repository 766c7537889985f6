import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControllerOptions } from '../../src/controller/controller-options.ts'
import type { Role } from '../../src/domain/access/roles.ts'
import { ridOf, sampleBackup, sampleRecord } from './catalog-samples.ts'
import { given } from './given.ts'
import { askGraphQL, startTestController, testFolder, toldInventory } from './real-controller.ts'

/** The name of the app whose things a caller must not see, and of everything that it has. */
export const FOREIGN = 'zz-secret'
export const OWN = 'shop'
/** Each app has a server of its own, and both share the third. */
export const OWN_SERVER = '10.0.0.1'
export const FOREIGN_SERVER = '10.0.0.66'
export const SHARED_SERVER = '10.0.0.3'

/** By app: what a caller can name. */
export interface KnownIds {
  app: string
  server: string
  rid: string
  runningRid: string
  jobId: string
  backup: string
}

/** A real controller with two apps, each with volumes, jobs, runs and backups. Nobody is answered without a token. */
export async function startTwoApps(options: Partial<ControllerOptions> = {}) {
  const access = { anonymous: 'none', insecureHttp: false } as const
  const folder = await testFolder()
  const controller = await startTestController({
    folder,
    inventory: toldInventory(givenTwoApps().inventory()),
    access,
    ...options,
  })
  const admin = (await readFile(join(folder, 'controller', 'admin-token'), 'utf8')).trim()
  const ask = <T = Record<string, unknown>>(
    token: string | undefined,
    query: string,
    variables: object = {},
  ) => askGraphQL<T>(controller.url, query, variables, authorize(token))
  const createToken = async (role: Role, apps?: readonly string[], expiresAt?: string) => {
    const input = { name: role, roles: [role.toUpperCase()], apps, expiresAt }
    const { data } = await ask<{ createToken: CreatedToken }>(admin, CREATE_TOKEN, { input })
    if (!data) throw new Error('No token was created')
    return data.createToken
  }
  const tell = async (ids: KnownIds) => {
    const { data } = await ask<{ jobs: { id: string; server: { ip: string } }[] }>(admin, JOBS, ids)
    const jobId = data?.jobs.find(({ server }) => server.ip === ids.server)?.id ?? ''
    await post(controller.url, { ...ids, jobId })
    return { ...ids, jobId }
  }
  const [own, foreign] = [await tell(makeIds(OWN, 1)), await tell(makeIds(FOREIGN, 5))]
  return { ...controller, folder, admin, ask, createToken, own, foreign }
}

const CREATE_TOKEN = 'mutation ($input: TokenInput!) { createToken(input: $input) { text token { id } } }'
const JOBS = 'query ($app: ID!) { jobs(filter: { app: $app }) { id server { ip } } }'

interface CreatedToken {
  text: string
  token: { id: string }
}

/** Headers with a token, or none. */
export function authorize(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** An app of the caller and a foreign one, which share a server. */
export function givenTwoApps() {
  return given
    .app(OWN)
    .proc('web')
    .on(OWN_SERVER, SHARED_SERVER)
    .volume(`/data/${OWN}`)
    .app(FOREIGN)
    .proc('web')
    .on(FOREIGN_SERVER, SHARED_SERVER)
    .volume(`/data/${FOREIGN}`)
}

function makeIds(app: string, n: number): KnownIds {
  const server = app === OWN ? OWN_SERVER : FOREIGN_SERVER
  const backup = `${app}-${app}.web.web-1-data-${app}-1795425846.tar.gz`
  return { app, server, rid: ridOf(n), runningRid: ridOf(n + 1), jobId: '', backup }
}

/** Posts news as the daemon of the app's own server: one run that made a backup, and one that goes on. */
async function post(
  url: string,
  { app, server, rid, runningRid, jobId, backup: name }: KnownIds,
): Promise<void> {
  const [proc, volume] = [`${app}.web.web`, `/data/${app}`]
  const args = { app, proc, volume, instanceNo: 1, mode: 'full' }
  const source = `${SOURCE}/${app}/${proc}/1/data/${app}`
  const backup = sampleBackup({ server, name, app, proc, volume, rid, jobId, source })
  const run = { server, args, jobId }
  const records = [
    sampleRecord({ ...run, ...ENDED, rid, result: { file: name, size: 1, backup } }),
    sampleRecord({ ...run, rid: runningRid, start: '2026-11-23T09:44:53.443174691Z' }),
  ]
  const body = JSON.stringify({ protocol: 2, daemonId: 'x', server, records, running: [runningRid] })
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${url}/api/v2/system/notify`, { method: 'POST', headers, body })
  if (status !== 200) throw new Error(`News was answered ${status}`)
}

const SOURCE = '/data/lain/volumes'
const ENDED = { state: 'success', end: '2026-11-23T08:45:00Z' } as const
