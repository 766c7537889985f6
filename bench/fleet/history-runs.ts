import { createHash } from 'node:crypto'
import { archiveName } from '../../src/wire/archive-name.ts'
import { jobId } from '../../src/wire/ids.ts'
import type { Job } from '../../src/wire/job.ts'
import { appOfServer, type FleetSize, instanceOfServer, serverIp, volumeOfJob } from './inventory.ts'
import type { Run } from './simulator/run.ts'

export interface History extends FleetSize {
  /** How many runs ended before. */
  records: number
  /** Unix ms: when the last of them ended. */
  untilMs: number
}

const DAYS = 30

/** Runs of the past, of each server and job in turn; the same for the same arguments. */
export function* listHistory(history: History): Generator<Run> {
  const { servers, jobs, records, untilMs } = history
  const known = new Map<number, Job>()
  for (let n = 0; n < records; n++) {
    const at = n % (servers * jobs)
    const job = known.get(at) ?? makeJob(at % servers, Math.floor(at / servers))
    known.set(at, job)
    const endedAt = Math.floor(untilMs - (1 - n / records) * DAYS * 86_400_000)
    const rid = `${Math.floor(endedAt / 1000)}${createHash('md5').update(String(n)).digest('hex')}`
    const no = Math.floor(n / (servers * jobs)) + 1
    yield {
      rid,
      server: serverIp(at % servers),
      job,
      type: 'cron',
      no,
      queuedAt: endedAt - 2000,
      begunAt: endedAt - 1000,
      endedAt,
    }
  }
}

/** The job that the controller makes of the inventory. */
function makeJob(server: number, no: number): Job {
  const { volume, mode } = volumeOfJob(no)
  const [app, instanceNo] = [appOfServer(server), instanceOfServer(server)]
  const proc = `${app}.web.web`
  const args = {
    app,
    archive: archiveName({ app, proc, instanceNo, volume }),
    containers: [],
    instanceNo,
    mode,
    path: `/data/lain/volumes/${app}/${proc}/${instanceNo}${volume}`,
    postRun: '',
    preRun: '',
    proc,
    volume,
  }
  const schedule = { spec: '0 0 * * *', action: 'backup', args }
  return { id: jobId(serverIp(server), schedule), ...schedule, type: 'cron', sleep: false }
}
