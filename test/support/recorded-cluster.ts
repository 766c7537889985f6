import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { jobId } from '../../src/wire/ids.ts'
import type { Inventory } from '../../src/wire/inventory.ts'
import { given } from './given.ts'
import { startTestController, startTestDaemon, testFolder, toldInventory } from './real-controller.ts'
import { recordedEntity, writeRecordedMeta } from './recorded-store.ts'

export const [ONE, TWO] = ['10.77.0.11', '10.77.0.12'] as const

/** The inventory of the legacy system (fixtures/wire/backupspec.json). */
function recordedInventory(): Inventory {
  const inventory = given
    .app('hello')
    .proc('web')
    .on(ONE, TWO)
    .volume('/data/db')
    .volume('/data/files')
    .schedule({ mode: 'increment', spec: '0 23 * * *', expire: '10d' })
    .app('ipaddr')
    .proc('ipaddr.worker.ipaddr')
    .on(ONE)
    .volume('/logs')
    .schedule({ spec: '*/5 * * * *', expire: '1h' })
    .inventory()
  const worker = inventory.apps[1]?.procs[0]?.instances[0]
  if (worker) worker.containers = ['c3']
  return inventory
}

export const MIRROR = 'hello-hello.web.web-1-data-files'

/** An increment as the legacy system left it in the store. */
async function leaveMirror(folder: string): Promise<void> {
  const namespace = join(folder, 'store', ONE)
  const source = join(folder, 'volumes/hello/hello.web.web/1/data/files')
  await cp(source, join(namespace, MIRROR), { recursive: true, preserveTimestamps: true })
  writeRecordedMeta(namespace, [
    recordedEntity({ mode: 'increment', name: MIRROR, source, volume: '/data/files', size: 0 }),
  ])
}

/**
 * The recorded cluster with our programs: two daemons on one store, a controller, the files of the recording.
 * With `mirror` the store already has the increment, made by the legacy system.
 */
export async function startRecordedCluster({ mirror }: { mirror: boolean }) {
  const folder = await testFolder()
  const volumeFile = (no: number, path: string) =>
    join(folder, `volumes/hello/hello.web.web/${no}/data`, path)
  const write = async (no: number, path: string, text: string) => {
    await mkdir(dirname(volumeFile(no, path)), { recursive: true })
    await writeFile(volumeFile(no, path), text)
  }
  for (const no of [1, 2]) {
    await write(no, 'db/table', `row ${no}\n`)
    await write(no, 'files/time.log', `time${no}\n`)
    await write(no, 'files/sub/s.txt', `s${no}\n`)
  }
  await mkdir(join(folder, 'volumes/ipaddr/ipaddr.worker.ipaddr/1/logs'), { recursive: true })
  if (mirror) await leaveMirror(folder)
  const one = await startTestDaemon(folder, ONE)
  const two = await startTestDaemon(folder, TWO)
  const daemonUrls = { [ONE]: one.url, [TWO]: two.url }
  const controller = await startTestController({
    folder,
    daemonUrls,
    inventory: toldInventory(recordedInventory()),
  })
  return { folder, volumes: join(folder, 'volumes'), one, two, controller, volumeFile, write }
}

export type RecordedCluster = Awaited<ReturnType<typeof startRecordedCluster>>

/** One recorded exchange, or the content of the disk at that time. */
export interface Exchange {
  name: string
  method?: string
  path?: string
  form?: Record<string, string[]> | null
  status?: number
  type?: string
  body?: unknown
  state?: Record<string, string>
}

interface RecordedJob {
  id: string
  spec: string
  action: string
  args: Record<string, unknown>
}

/** The recorded exchanges as they would be if the volumes were in `volumes`: a job's id is a digest of its args. */
export async function recordedExchanges(volumes: string): Promise<Exchange[]> {
  const recorded = await readFile('test/fixtures/wire/controller.json', 'utf8')
  const text = recorded.replaceAll('/data/lain/volumes', volumes)
  const exchanges = JSON.parse(text) as Exchange[]
  const all = exchanges.find(({ name }) => name === 'v1 all jobs')?.body as Record<string, RecordedJob[]>
  const jobs = Object.entries(all).flatMap(([ip, list]) => list.map((job) => ({ ip, ...job })))
  const backups = jobs.filter(({ id }) => id !== '')
  return JSON.parse(
    backups.reduce((told, { ip, id, ...schedule }) => told.replaceAll(id, jobId(ip, schedule)), text),
  ) as Exchange[]
}
