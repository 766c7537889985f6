import { shortenProcName } from '../../wire/proc-names.ts'

/** Names for the example tabs; empty if the controller has nothing of the kind yet. */
export interface ExampleNames {
  app: string
  proc: string
  /** The id of a job that makes backups. */
  job: string
  /** The newest good backup of a volume. */
  backup: string
  /** An increment, with its oldest listed snapshot. */
  series: { app: string; proc: string; name: string; snapshot: string }
}

export const QUERY = `{
  volumes(first: 100) { nodes { app proc jobs { id } lastGood { name } } }
  backups(filter: { mode: INCREMENT }, first: 1) { nodes { app proc name snapshots(first: 10) { id } } }
}`

interface NamesAnswer {
  data?: {
    volumes: { nodes: Volume[] }
    backups: { nodes: { app: string; proc: string; name: string; snapshots: { id: string }[] }[] }
  } | null
}

interface Volume {
  app: string
  /** The full name. */
  proc: string
  jobs: { id: string }[]
  lastGood: { name: string } | null
}

/** The page opens without names if the controller does not answer in time. */
const TIMEOUT_MS = 3000

/** Reads the names from the controller. If it does not answer, all are empty. */
export async function readExampleNames(url: string): Promise<ExampleNames> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return pickNames((await response.json()) as NamesAnswer)
  } catch {
    return pickNames({})
  }
}

/** Names of the first volume of the page with a good backup; otherwise of the first one with a job. */
export function pickNames({ data }: NamesAnswer): ExampleNames {
  const volumes = data?.volumes.nodes ?? []
  const chosen = volumes.find(({ lastGood }) => lastGood) ?? volumes.find(({ jobs }) => jobs.length > 0)
  const increment = data?.backups.nodes[0]
  return {
    app: chosen?.app ?? '',
    proc: shortenProcName(chosen?.proc ?? ''),
    job: chosen?.jobs[0]?.id ?? '',
    backup: chosen?.lastGood?.name ?? '',
    series: {
      app: increment?.app ?? '',
      proc: increment?.proc ?? '',
      name: increment?.name ?? '',
      snapshot: increment?.snapshots.at(-1)?.id ?? '',
    },
  }
}
