import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startLainlet } from '../support/lainlet.ts'
import { ask, startProgram } from '../support/standalone.ts'

/** `backupd controller` on a free port, with a data directory of its own. */
async function startController(more: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'controller-'))
  const addr = `127.0.0.1:${await freePort()}`
  const program = startProgram(['-debug', 'controller', '--addr', addr, '--data', folder, ...more])
  onTestFinished(async () => {
    program.process.kill('SIGKILL')
    await program.ended
    await rm(folder, { recursive: true, force: true })
  })
  await program.said(/The controller listens on/)
  return { program, url: `http://${addr}/graphql` }
}

test('the controller backs up what lainlet lists', async () => {
  const recorded = JSON.parse(await readFile('test/fixtures/wire/backupspec.json', 'utf8'))
  await using lainlet = await startLainlet(recorded)
  const { program, url } = await startController(['-lainlet', lainlet.address])
  await program.said(/The inventory comes from lainlet at 127\.0\.0\.1:\d+"/)
  const { jobs } = await ask<{ jobs: { id: string }[] }>(url, '{ jobs { id } }')
  expect(jobs.map(({ id }) => id)).toContain('0a4d000b0b46c535c4493a6b508e69c211c35d81')
})

test('without --inventory and --lainlet the controller uses the lainlet of the legacy system', async () => {
  const { program, url } = await startController([])
  await program.said(
    /comes from lainlet at lainlet\.lain:9001, because neither --inventory nor --lainlet is given/,
  )
  const { inventory } = await ask<{ inventory: { problem: string } }>(url, '{ inventory { problem } }')
  expect(inventory.problem).toContain('Cannot read the inventory from lainlet at lainlet.lain:9001')
})

test('SIGHUP makes the controller read its inventory again, and ends nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inventory-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'inventory.yaml')
  await writeFile(file, 'apps: { one: { web: { on: [10.0.0.1], volumes: [/v] } } }\n')
  const { program, url } = await startController(['--inventory', file])
  program.process.kill('SIGHUP')
  await program.said(/SIGHUP: the inventory is read again/)
  const { inventory } = await ask<{ inventory: { volumes: number } }>(url, '{ inventory { volumes } }')
  expect(inventory.volumes).toBe(1)
})

test('SIGTERM while a restarted controller still reads its inventory ends it in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inventory-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'inventory.yaml')
  const apps = (count: number) =>
    Array.from({ length: count }, (_, n) => `  app${n}: { web: { on: [10.0.0.1], volumes: [/v] } }\n`).join(
      '',
    )
  await writeFile(file, `apps:\n${apps(1)}`)
  const flags = [
    '--addr',
    `127.0.0.1:${await freePort()}`,
    '--data',
    join(folder, 'data'),
    '--inventory',
    file,
  ]
  const first = startProgram(['controller', ...flags])
  await first.said(/The controller listens on/)
  first.process.kill('SIGTERM')
  expect(await first.ended).toBe(0)
  // Takes about a second to read.
  await writeFile(file, `apps:\n${apps(3000)}`)
  const again = startProgram(['controller', ...flags])
  onTestFinished(() => void again.process.kill('SIGKILL'))
  await again.said(/The controller listens on/)
  again.process.kill('SIGTERM')
  expect(await again.ended).toBe(0)
  expect(again.lines.filter((line) => /"level":"?(error|50)/.test(line))).toEqual([])
})
