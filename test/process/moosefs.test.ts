import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startProgram } from '../support/standalone.ts'

test('a daemon uses MooseFS by default, and does not start without one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-moosefs-flags-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const program = startProgram([
    ...['daemon', '--ip', '10.77.0.11', '--addr', `127.0.0.1:${await freePort()}`],
    ...['--data', join(folder, 'data'), '-backup-moosefs-dir', join(folder, 'none')],
  ])
  expect(await program.ended).toBe(1)
  const said = program.lines.filter((line) => line.startsWith('backupd: '))
  expect(said).toEqual([
    `backupd: The store ${folder}/none is not on a mounted MooseFS: it does not exist. Mount it with mfsmount, or name a directory on it`,
  ])
})

test('a driver that does not exist is refused', async () => {
  const program = startProgram(['daemon', '--ip', '10.77.0.11', '--backup-driver', 'tape'])
  expect(await program.ended).toBe(1)
  expect(program.lines.join('\n')).toContain('--backup-driver is "tape": write moosefs, local or s3')
})
