import type { Execute } from '../../client/execute.ts'
import {
  LegacyRecordDocument,
  type LegacyRecordFragment,
  LegacyRecordsDocument,
  type LegacyRecordsQuery,
} from '../../client/generated/operations.ts'
import { BackupdError } from '../../lib/errors.ts'
import { argsMatch, fieldMatches, hasArgsFilter } from '../args-filter.ts'
import { JsonElements } from '../json-elements.ts'
import { readJobArgs } from '../legacy/job.ts'
import { findStates, toRestRecord } from '../legacy/record.ts'
import { readMonth } from '../month.ts'
import { type RestCall, type RestRoute, row } from '../row.ts'

const USUAL_TOTAL = 100
const MAX_RECORDS = 10_000
const PAGE = 500

/** The newest `total` records of a month, filtered by `action`, `state`, `rid` and `args_<name>`. */
const recordsOfApp = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyRecordsDocument,
    ask: (call) => pageAfter(call, null),
    answer([first], call, execute) {
      const body = new JsonElements('[]', printRecords(first, call, execute))
      const cut = Number(call.fields.text('total')) > MAX_RECORDS
      const warnings = cut ? [`Only the newest ${MAX_RECORDS} are listed at once: ask by month and year`] : []
      return { status: 200, body, warnings }
    },
  })

const recordOfApp = (path: string) =>
  row({
    method: 'GET',
    path,
    document: LegacyRecordDocument,
    ask: ({ params }) => ({ rid: params.rid ?? '' }),
    answer([{ record }], { params }) {
      if (record?.app === params.app && record) return { status: 200, body: toRestRecord(record) }
      throw new BackupdError('NOT_FOUND', `There is no record "${params.rid}" of ${params.app}`)
    },
    refused: { statuses: { NOT_FOUND: 404 } },
  })

export const RECORD_ROWS: readonly RestRoute[] = [
  recordsOfApp('/api/v1/cron/records/app/:app'),
  recordOfApp('/api/v1/cron/record/app/:app/id/:rid'),
  recordsOfApp('/api/v2/app/:app/cron/records'),
  recordOfApp('/api/v2/app/:app/cron/records/:rid'),
]

function pageAfter(call: RestCall, after: string | null) {
  const { params, fields, now } = call
  const action = fields.list('action').length === 1 ? fields.text('action') : null
  const filter = { app: params.app ?? '', action, states: readStates(call), ...readMonth(fields, now) }
  const narrows = hasArgsFilter(fields) || fields.list('rid').length > 0
  return { filter, first: narrows ? PAGE : Math.min(readTotal(call), PAGE), after }
}

function readTotal({ fields }: RestCall): number {
  return Math.min(fields.whole('total') || USUAL_TOTAL, MAX_RECORDS)
}

function readStates({ fields }: RestCall) {
  const names = fields.list('state').filter(Boolean)
  if (names.length === 0) return null
  return names.flatMap((name) => findStates(name) ?? unknownState(name))
}

function unknownState(name: string): never {
  throw new BackupdError('BAD_INPUT', `"${name}" is not a state: ask for running, success or failed`)
}

/** Reads page after page, until there are enough. */
async function* printRecords(first: LegacyRecordsQuery, call: RestCall, execute: Execute) {
  let missing = readTotal(call)
  for (let page = first; ; ) {
    const { nodes, pageInfo } = page.records
    const found = nodes.filter((record) => matchesFields(record, call)).slice(0, missing)
    for (const record of found) yield JSON.stringify(toRestRecord(record))
    missing -= found.length
    if (missing === 0 || !pageInfo.hasNextPage) return
    page = await execute(LegacyRecordsDocument, pageAfter(call, pageInfo.endCursor))
  }
}

function matchesFields(record: LegacyRecordFragment, { fields }: RestCall): boolean {
  return (
    fieldMatches(fields, 'rid', record.rid) &&
    fieldMatches(fields, 'action', record.action) &&
    argsMatch(readJobArgs(record), fields)
  )
}
