import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSwift, type SwiftPlace } from '../support/describe-swift.ts'
import { freePort } from '../support/free-port.ts'
import { readPeakOfChildren } from '../support/peak-memory.ts'
import { s3Flags } from '../support/s3-flags.ts'
import { type Program, startProgram } from '../support/standalone.ts'
import { s3Client } from '../support/swift.ts'
import { tempDir } from '../support/temp-dir.ts'

const IP = '127.0.0.1'
const MAX_MIB = 300
const LARGE_MIB = 240
const SMALL_FILES = 5000

describeSwift('the process of a run on S3', (place) => {
  test('stays below its limit in a first increment of data that does not compress', async () => {
    const folder = tempDir()
    const volume = await fillVolume(folder)
    const address = `${IP}:${await freePort()}`
    const program = startProgram([
      ...['daemon', '--ip', IP, '--addr', address, '--data', join(folder, 'data'), '--allow-path', volume],
      ...s3Flags(place.settings),
    ])
    try {
      await expect.poll(() => isClaimed(place), { timeout: 90_000, interval: 500 }).toBe(true)
      expect(await backUp(`http://${address}/api/v1`, volume, program)).toBeLessThan(MAX_MIB)
    } finally {
      program.process.kill('SIGKILL')
      await program.ended
    }
  }, 360_000)
})

/** No run starts before the daemon has claimed its namespace. */
async function isClaimed({ swift, settings }: SwiftPlace): Promise<boolean> {
  const client = s3Client(swift.endpoint, swift.owner)
  const { KeyCount } = await client.listObjectsV2({
    Bucket: settings.bucket,
    Prefix: `${settings.prefix}/${IP}/.owner`,
  })
  client.destroy()
  return KeyCount === 1
}

async function fillVolume(folder: string): Promise<string> {
  const volume = join(folder, 'volume')
  await mkdir(volume)
  for (let n = 0; n < LARGE_MIB; n += 8) await appendFile(join(volume, 'large'), randomBytes(8 * 1024 * 1024))
  for (let n = 0; n < SMALL_FILES; n++) await writeFile(join(volume, `small-${n}`), randomBytes(300))
  return volume
}

interface EndedRun {
  end: string | null
  state: string
  reason: string
}

/** Runs an increment to its end, and returns the peak of its process in MiB. */
async function backUp(api: string, path: string, { process: { pid = 0 } }: Program): Promise<number> {
  const args = {
    ...{ app: 'shop', proc: 'shop.web.web', volume: '/data', archive: 'shop-shop.web.web-1-data' },
    ...{ containers: [], instanceNo: 1, mode: 'increment', path, postRun: '', preRun: '' },
  }
  const job = { id: '7f000001', spec: '0 5 1 1 *', action: 'backup', args, type: 'cron', sleep: false }
  const form = new URLSearchParams({ data: JSON.stringify([job]), version: '1' })
  expect(await fetch(`${api}/cron/jobs`, { method: 'PUT', body: form })).toMatchObject({ ok: true })
  let [rid, peak] = ['', 0]
  let record: EndedRun = { end: null, state: '', reason: '' }
  const isStarted = async () => {
    const response = await fetch(`${api}/cron/once/7f000001`, { method: 'POST' })
    if (response.ok) ({ rid } = (await response.json()) as { rid: string })
    return response.ok
  }
  await expect.poll(isStarted, { timeout: 60_000, interval: 100 }).toBe(true)
  const isOver = async () => {
    peak = Math.max(peak, readPeakOfChildren(pid))
    record = (await (await fetch(`${api}/cron/records/${rid}`)).json()) as EndedRun
    return record.end !== null
  }
  await expect.poll(isOver, { timeout: 280_000, interval: 100 }).toBe(true)
  expect(record).toMatchObject({ state: 'success', reason: '' })
  expect(peak).toBeGreaterThan(0)
  return peak
}
