import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { freePort } from './free-port.ts'
import type { NetHost } from './net-hosts.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Program {
  process: ChildProcess
  /** Everything it printed on stdout and stderr, line by line. */
  lines: string[]
  /** Resolves with the first line that matches, printed already or later; rejects if the program ends before. */
  said(pattern: RegExp): Promise<string>
  /** Resolves with the exit code. */
  ended: Promise<number | null>
}

/**
 * Runs the built program for real, on a host of its own if one is given. Callers need no token, unless `args` say what
 * callers without one may do.
 */
export function startProgram(args: string[], host?: NetHost): Program {
  const start = host ? host.spawn : spawn
  const child = start(process.execPath, [main, ...withAnonymous(args)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'close').then(([code]) => {
    for (const listener of listeners) listener()
    return code as number | null
  })
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const line = lines.find((each) => pattern.test(each))
        if (line !== undefined) resolve(line)
        else if (child.exitCode !== null || child.signalCode !== null) {
          reject(
            new Error(
              `it ended with ${child.exitCode ?? child.signalCode} and never said ${pattern}:\n${lines.join('\n')}`,
            ),
          )
        } else return
        listeners.delete(look)
      }
      listeners.add(look)
      look()
    })
  return { process: child, lines, said, ended }
}

function withAnonymous(args: string[]): string[] {
  const isController = args.includes('controller') || args.includes('standalone')
  return isController && !args.includes('--anonymous') ? [...args, '--anonymous', 'admin'] : args
}

interface Answer<T> {
  data?: T
  errors?: { message: string; extensions: { code: string } }[]
}

/** One GraphQL request over HTTP. Throws the first error's message with its code in front. */
export async function ask<T>(url: string, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await response.json()) as Answer<T>
  const error = answer.errors?.[0]
  if (error || !answer.data) throw new Error(`${error?.extensions.code}: ${error?.message}`)
  return answer.data
}

/** One subscription over graphql-ws; ends when the loop over it is left. */
export async function* watch<T>(url: string, query: string, variables: Record<string, unknown> = {}) {
  const client = createClient({ url: url.replace(/^http/, 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 })
  try {
    for await (const result of client.iterate<T>({ query, variables })) {
      if (result.errors?.[0]) throw new Error(result.errors[0].message)
      if (result.data) yield result.data
    }
  } finally {
    await client.dispose()
  }
}

/** `<folder>/inventory.yaml`: the app shop with one volume, `<folder>/volume`. */
export async function writeInventory(folder: string, spec = '0 3 * * *'): Promise<string> {
  const file = join(folder, 'inventory.yaml')
  const text = `apps:
  shop:
    web:
      on: [127.0.0.1]
      volumes:
        /data/db:
          path: ${join(folder, 'volume')}
          backup_full: { schedule: "${spec}", expire: 30d }
`
  await writeFile(file, text)
  return file
}

/** A standalone with its data in `<folder>/data`, on free ports; `more` options win. */
export async function startStandalone(folder: string, more: string[] = []) {
  const [port, daemonPort] = [await freePort(), await freePort()]
  const program = startProgram([
    'standalone',
    ...['--inventory', await writeInventory(folder), '--data', join(folder, 'data')],
    ...['--addr', `127.0.0.1:${port}`, '--daemon-addr', `127.0.0.1:${daemonPort}`, ...more],
  ])
  return { program, url: `http://127.0.0.1:${port}/graphql`, daemonUrl: `http://127.0.0.1:${daemonPort}` }
}

/** Runs the first backup job, and waits until it has succeeded. */
export async function backUp(url: string): Promise<void> {
  const { jobs } = await ask<{ jobs: { id: string; action: string }[] }>(url, '{ jobs { id action } }')
  const id = jobs.find(({ action }) => action === 'backup')?.id
  const run = 'mutation ($id: ID!) { runJob(id: $id) { rid } }'
  const { runJob } = await ask<{ runJob: { rid: string } }>(url, run, { id })
  const updated = 'subscription ($rid: ID) { recordUpdated(rid: $rid) { record { state } } }'
  for await (const event of watch<{ recordUpdated: { record: { state: string } } }>(url, updated, runJob)) {
    if (['QUEUED', 'RUNNING'].includes(event.recordUpdated.record.state)) continue
    if (event.recordUpdated.record.state === 'SUCCESS') return
    throw new Error(`the backup ended as ${event.recordUpdated.record.state}`)
  }
}
