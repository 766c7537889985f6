import { expect, test } from 'vitest'
import { RunMeter } from '../../src/metrics/run-meter.ts'
import { sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { readMetrics, valuesOf } from '../support/metrics-page.ts'

const TIMES = { start: '2026-12-01T05:00:00.000Z', end: '2026-12-01T05:00:42.000Z' }

async function read(meter: RunMeter) {
  return readMetrics(await meter.registry.metrics())
}

test('an ended backup counts with its length and its bytes', async () => {
  const meter = new RunMeter('backupd')
  const backup = sampleBackup({ bytes: 5000 })
  meter.note(
    sampleRecord({ ...TIMES, args: { mode: 'full' }, state: 'success', result: { size: 700, backup } }),
  )
  const samples = await read(meter)
  const ofRun = { action: 'backup', mode: 'full', state: 'success' }
  expect(valuesOf(samples, 'backupd_run_duration_seconds_sum', ofRun)).toEqual([42])
  expect(valuesOf(samples, 'backupd_run_duration_seconds_bucket', { ...ofRun, le: '15' })).toEqual([0])
  expect(valuesOf(samples, 'backupd_run_duration_seconds_bucket', { ...ofRun, le: '60' })).toEqual([1])
  expect(valuesOf(samples, 'backupd_run_read_bytes_total', { mode: 'full' })).toEqual([5000])
  expect(valuesOf(samples, 'backupd_run_stored_bytes_total', { mode: 'full' })).toEqual([700])
})

test('an increment counts what it read and added, not the size of its series', async () => {
  const meter = new RunMeter('backupd')
  const result = { size: 9000, bytesRead: 30, bytesAdded: 20, backup: sampleBackup({ bytes: 8000 }) }
  meter.note(sampleRecord({ ...TIMES, args: { mode: 'increment' }, state: 'partial', result }))
  const samples = await read(meter)
  expect(valuesOf(samples, 'backupd_run_read_bytes_total', { mode: 'increment' })).toEqual([30])
  expect(valuesOf(samples, 'backupd_run_stored_bytes_total', { mode: 'increment' })).toEqual([20])
})

test('a recover counts what it restored, and is not a backup', async () => {
  const meter = new RunMeter('backupd')
  const result = { bytesRestored: 40, backup: sampleBackup({ bytes: 8000 }) }
  meter.note(sampleRecord({ ...TIMES, action: 'backup_recover', state: 'success', result }))
  const samples = await read(meter)
  expect(valuesOf(samples, 'backupd_run_restored_bytes_total')).toEqual([40])
  expect(valuesOf(samples, 'backupd_run_read_bytes_total')).toEqual([])
})

test('a verification has a series of its own, and is not a backup', async () => {
  const meter = new RunMeter('backupd')
  const result = { backup: sampleBackup({ bytes: 8000 }) }
  meter.note(sampleRecord({ ...TIMES, action: 'backup_verify', state: 'success', result }))
  const samples = await read(meter)
  expect(valuesOf(samples, 'backupd_run_duration_seconds_count', { action: 'backup_verify' })).toEqual([1])
  expect(valuesOf(samples, 'backupd_run_read_bytes_total')).toEqual([])
})

test('a run that has not ended does not count', async () => {
  const meter = new RunMeter('backupd')
  meter.note(sampleRecord({ state: 'running', end: null }))
  expect(valuesOf(await read(meter), 'backupd_run_duration_seconds_count')).toEqual([])
})

test('what a daemon calls an action cannot make new series', async () => {
  const meter = new RunMeter('backupd')
  for (let n = 0; n < 100; n++)
    meter.note(
      sampleRecord({ ...TIMES, action: `action ${n}`, args: { mode: `mode ${n}` }, state: 'failed' }),
    )
  const samples = await read(meter)
  expect(valuesOf(samples, 'backupd_run_duration_seconds_count')).toEqual([100])
  expect(valuesOf(samples, 'backupd_run_duration_seconds_count', { action: 'other', mode: '' })).toEqual([
    100,
  ])
})

test('a clock that was set back makes no negative length', async () => {
  const meter = new RunMeter('backupd')
  meter.note(sampleRecord({ start: TIMES.end, end: TIMES.start, state: 'success' }))
  expect(valuesOf(await read(meter), 'backupd_run_duration_seconds_sum')).toEqual([0])
})
