import { socketClient } from './real-controller.ts'

export type Asker = <T>(query: string, variables?: object) => Promise<T>

export interface EndedRecord {
  rid: string
  state: string
  reason: string | null
  error: { code: string; message: string; action: string; facts: Record<string, unknown> } | null
  warnings: string[]
  result: {
    file: string | null
    backup: { name: string; good: boolean; suspect: string | null } | null
  } | null
}

const RECORD = `subscription ($rid: ID!) { recordUpdated(rid: $rid) { record {
  rid state reason error { code message action facts } warnings result { file size entriesRestored backup { name good suspect } } } } }`

/** Some machines have processes that cannot be inspected. */
const isOfVolume = (warning: string) => !warning.startsWith('processes that could not be inspected')

/** Waits until a run has ended, and returns its record. */
export async function endOfRecord(url: string, rid: string): Promise<EndedRecord> {
  const events = socketClient(url).iterate<{ recordUpdated: { record: EndedRecord } }>({
    query: RECORD,
    variables: { rid },
  })
  for await (const { data } of events) {
    const record = data?.recordUpdated.record
    if (record && !['QUEUED', 'RUNNING'].includes(record.state))
      return { ...record, warnings: record.warnings.filter(isOfVolume) }
  }
  throw new Error(`the record ${rid} never ended`)
}
