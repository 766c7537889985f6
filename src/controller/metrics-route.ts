import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { can } from '../domain/access/can.ts'
import { readOwnHealth } from '../domain/read-whole-health.ts'
import type { World } from '../domain/world.ts'
import { BackupdError } from '../lib/errors.ts'
import { printLabels } from '../metrics/label-text.ts'
import {
  METRICS_TYPE,
  type MetricFamily,
  makeBuildInfo,
  makeCounts,
  makeGauge,
} from '../metrics/metric-family.ts'
import { type MetricsPage, printPage } from '../metrics/metrics-page.ts'
import { NewsMeter } from '../metrics/news-meter.ts'
import { openProcessMetrics } from '../metrics/process-metrics.ts'
import { RunMeter } from '../metrics/run-meter.ts'
import type { RunRecord } from '../wire/record.ts'
import { listAlarmGauges } from './alarm-gauges.ts'
import { listServerGauges } from './server-gauges.ts'
import { listVolumeGauges } from './volume-gauges.ts'

/** What is counted from the start of the controller on. */
export interface ControllerMeters {
  runs: RunMeter
  news: NewsMeter
}

export function createMeters(): ControllerMeters {
  openProcessMetrics()
  return { runs: new RunMeter('backupd'), news: new NewsMeter() }
}

/** Counts a run that ended. That one is lost is the controller's own word, so it is no news. */
export function noteEndedRun({ runs, news }: ControllerMeters, record: RunRecord, delayMs: number): void {
  runs.note(record)
  if (record.state !== 'lost') news.note(delayMs)
}

export interface MetricsParts {
  meters: ControllerMeters
  version: string
}

/** With a weight of 0 it is refused. */
const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i

/** What Prometheus reads. It accepts gzip, which makes a page of thousands of volumes much smaller. */
export function addMetricsRoute(app: FastifyInstance, world: World, parts: MetricsParts): void {
  app.get('/metrics', async (request, reply) => {
    const { allowed, because } = can(request.principal, 'view', 'everything')
    if (!allowed) throw new BackupdError('NOT_PERMITTED', because)
    return sendMetrics(await openMetricsPage(world, parts), { request, reply })
  })
}

/** Sends a page, compressed if the request accepts that. */
export function sendMetrics(
  page: MetricsPage,
  { request: { headers }, reply }: { request: FastifyRequest; reply: FastifyReply },
): FastifyReply {
  const text = Readable.from(printPage(page))
  reply.type(METRICS_TYPE).header('vary', 'accept-encoding')
  if (!ACCEPTS_GZIP.test(headers['accept-encoding'] ?? '')) return reply.send(text)
  const zipped = createGzip({ level: 1 })
  // An error of the page breaks the answer off, too.
  pipeline(text, zipped, () => {})
  return reply.header('content-encoding', 'gzip').send(zipped)
}

/** All of it is what the controller knows: no daemon is asked. */
export async function openMetricsPage(world: World, { meters, version }: MetricsParts): Promise<MetricsPage> {
  const families = [makeBuildInfo('controller', version), ...(await listFamilies(world))]
  return { sources: [meters.runs.registry, meters.news.registry], families, log: world.log }
}

async function listFamilies(world: World): Promise<MetricFamily[]> {
  return [
    ...(await listOwnGauges(world)),
    ...listAlarmGauges(world),
    ...listNewsGauges(world),
    ...listServerGauges(world),
    ...listVolumeGauges(world),
  ]
}

async function listOwnGauges(world: World): Promise<MetricFamily[]> {
  const { states } = await readOwnHealth(world)
  const runs = {
    name: 'backupd_unfinished_runs',
    help: 'Runs that have not ended, by state, as far as the controller knows.',
  }
  return [
    {
      name: 'backupd_controller_health',
      help: 'Always 1: a state that holds for the controller itself. Without faults it has the state OK.',
      samples: () => states.map((state) => [printLabels({ state }), 1]),
    },
    makeCounts(runs, 'state', world.ledger.countUnfinished()),
  ]
}

function listNewsGauges({ newsGate: { waiting, refusing } }: World): MetricFamily[] {
  return [
    makeGauge('backupd_news_waiting_posts', 'Posts of daemons that are read or wait.', waiting.posts),
    makeGauge('backupd_news_waiting_records', 'Records in these posts.', waiting.records),
    makeGauge('backupd_news_waiting_bytes', 'Bytes of these posts.', waiting.bytes),
    makeGauge(
      'backupd_news_refused_posts',
      'Posts that were told to come back later, without a calm of 75 s since; 0 if none were.',
      refusing?.count ?? 0,
    ),
  ]
}
