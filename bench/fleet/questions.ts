import { Agent, fetch } from 'undici'

/** Waits for an answer however long it takes: what is measured may be slow. */
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 })

/** The answer to a GraphQL query; throws what the controller refused. */
export async function query<T>(url: string, text: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  })
  const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] }
  if (errors || !data) throw new Error(errors?.[0]?.message ?? `status ${response.status}`)
  return data
}

/** Reads a legacy URL to its end. @returns bytes */
export async function download(url: string): Promise<number> {
  const response = await fetch(url, { dispatcher })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.arrayBuffer()).byteLength
}

/** How long something took, ms. */
export async function time(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}

/** The value that this share of all is not above; NaN if there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
}
