import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Running } from '../support/given/running.ts'
import { given } from '../support/given.ts'

interface Health {
  status: string
  reason?: string
}

const PATIENCE = { timeout: 60_000, interval: 100 }

async function readHealth(url: string): Promise<{ code: number; body: Health }> {
  const response = await fetch(`${url}/healthz`)
  return { code: response.status, body: (await response.json()) as Health }
}

async function readProblems({ ask }: Running): Promise<string[]> {
  const { servers } = await ask<{ servers: { problems: string[] }[] }>('{ servers { problems } }')
  return servers.flatMap(({ problems }) => problems)
}

test('a failing backup is in the log, in problems and in both healths, until one succeeds', {
  timeout: 120_000,
}, async () => {
  const world = await given.app('hello').proc('web').volume('/data/db').running()
  const { url, daemon, volume } = world
  expect(await readHealth(daemon.url)).toMatchObject({ code: 200, body: { status: 'ok' } })
  rmSync(volume, { recursive: true })
  expect((await world.backUp()).state).toBe('FAILED')
  const told = new RegExp(
    `^The full backup of "${volume}" failed: .*\\(VOLUME_MISSING\\)\\. The directory of the volume`,
  )
  expect(daemon.log.lines.filter((line) => told.test(line))).toHaveLength(1)
  expect(await readHealth(daemon.url)).toMatchObject({
    code: 200,
    body: { status: 'degraded', reason: expect.stringMatching(told) },
  })
  await expect.poll(() => readProblems(world), PATIENCE).toEqual([expect.stringMatching(told)])
  expect(await readHealth(url)).toMatchObject({
    code: 200,
    body: { status: 'degraded', reason: expect.stringContaining('VOLUME_MISSING') },
  })
  mkdirSync(volume)
  writeFileSync(`${volume}/a`, 'a')
  expect((await world.backUp()).state).toBe('SUCCESS')
  expect(await readHealth(daemon.url)).toMatchObject({ code: 200, body: { status: 'ok' } })
  await expect.poll(() => readProblems(world), PATIENCE).toEqual([])
  expect(await readHealth(url)).toMatchObject({ code: 200, body: { status: 'ok' } })
})
