import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fullProcName } from '../../src/domain/procs.ts'
import { type MigrateOptions, migrate } from '../../src/domain/recover.ts'
import { unseenWarning } from '../../src/volume/swap/check-users.ts'
import { isProcNamed } from '../../src/wire/proc-names.ts'
import { ridOf, sampleBackup, sampleRecord } from '../support/catalog-samples.ts'
import { startTestDaemon } from '../support/daemon-start.ts'
import { given } from '../support/given.ts'
import { hold } from '../support/holder.ts'

const [ONE, TWO] = ['10.0.0.1', '10.0.0.2'] as const

async function helloWorld() {
  const hello = given.app('hello').proc('web').on(ONE, TWO)
  const kit = await hello.volume('/data/db').withBackups(1).volume('/logs').inMemory()
  return { ...kit, two: kit.daemons.at(TWO) }
}

describe('a migrate into a volume of another name', () => {
  const wish: MigrateOptions = {
    backup: { app: 'hello', proc: 'web', name: sampleBackup().name },
    to: 2,
    volume: '/logs',
    inUse: 'refuse',
  }

  test.each([undefined, '', '/data/db'])('is refused if it is confirmed with %s', async (confirmVolume) => {
    const { world, two } = await helloWorld()
    expect(await migrate(world, { ...wish, confirmVolume })).toMatchObject({
      refused: 'BAD_INPUT',
      message: expect.stringMatching(
        /into the volume "\/logs": it was made of the volume "\/data\/db".*confirmVolume: "\/logs"/,
      ),
    })
    expect(two.recovers).toEqual([])
  })

  test('is done if it is confirmed; the same name needs no confirmation', async () => {
    const { world, two } = await helloWorld()
    expect(await migrate(world, { ...wish, confirmVolume: '/logs' })).toMatchObject({
      state: 'queued',
    })
    expect(await migrate(world, { ...wish, volume: '/data/db' })).toMatchObject({ state: 'queued' })
    expect(two.recovers).toHaveLength(2)
  })
})

describe('the record of a plan', () => {
  test('has an action of its own on the daemon', async () => {
    await using daemon = await startTestDaemon()
    const path = '/api/v1/backup/increment/recover/dir/nothing'
    const ask = (form: Record<string, string>) =>
      daemon.ask('POST', path, { form: { files: '*', destDir: `${daemon.dir}/volumes/v`, ...form } })
    const actionOf = async (form: Record<string, string>) => {
      // A daemon that has just started takes no work yet.
      await expect
        .poll(async () => (await daemon.ask('GET', '/healthz')).status, { timeout: 60_000 })
        .toBe(200)
      const { body } = await ask(form)
      return (await daemon.ended((body as { rid: string }).rid)).action
    }
    expect(await actionOf({ plan: 'true' })).toBe('backup_recover_plan')
    expect(await actionOf({})).toBe('backup_recover')
  })

  test('has one in the catalog too if an earlier daemon made it', async () => {
    const { world, catalog } = await helloWorld()
    await world.ledger.apply([
      sampleRecord({ rid: ridOf(1), action: 'backup_recover', args: { plan: true } }),
      sampleRecord({ rid: ridOf(2), action: 'backup_recover', args: {} }),
    ])
    const { items } = await catalog.records.find({ action: 'backup_recover' }, { first: 10 })
    expect(items.map(({ node }) => node.args)).toEqual([{}])
    expect((await catalog.records.find({ action: 'backup_recover_plan' }, { first: 10 })).items).toHaveLength(
      1,
    )
  })
})

test('no input with a default is required in the schema', () => {
  const schema = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')
  expect(schema.match(/^.*! = .*$/gm)).toBeNull()
})

test('a proc can have its name from the inventory', async () => {
  for (const asked of ['mail', 'worker.mail', 'shop.worker.mail', 'proc.mail', 'service.mail'])
    expect(isProcNamed('shop.worker.mail', asked)).toBe(true)
  for (const asked of ['worker', 'web.mail', 'shop.web.mail', 'shop.mail', ''])
    expect(isProcNamed('shop.worker.mail', asked)).toBe(false)
  const { world } = await helloWorld()
  expect(fullProcName(world, 'hello', 'web.web')).toBe('hello.web.web')
  expect(fullProcName(world, 'hello', 'worker.gone')).toBe('hello.worker.gone')
})

const DEEP = 'x'.repeat(200)
/** Further down than a link in /proc can tell: nobody can see where its working directory is. */
const GO_DEEP = `const fs = require("fs")
for (let n = 0; n < 25; n++) {
  fs.mkdirSync("${DEEP}", { recursive: true })
  process.chdir("${DEEP}")
}
process.stdout.write("ready")
setInterval(() => {}, 1e9)`

describe('the warning about processes that could not be inspected', () => {
  test('names them, and is missing if there is only pid 1', () => {
    const init = { pid: 1, command: 'init' }
    expect(unseenWarning([])).toBeUndefined()
    expect(unseenWarning([init])).toBeUndefined()
    expect(unseenWarning([init, { pid: 7, command: 'db' }])).toContain('may use the volume: 1 (init), 7 (db)')
  })

  test('appears once in a recover, which checks twice', async () => {
    const world = await given.app('shop').proc('web').volume('/data/db').plugins()
    const name = (await world.backUp()).result.file ?? ''
    onTestFinished(() => void execFileSync('rm', ['-rf', `${world.base}/${DEEP}`]))
    const holder = await hold(process.execPath, ['-e', GO_DEEP], world.base)
    onTestFinished(() => holder.end())
    const warnings: string[] = []
    await world.recover(name, {}, { warn: (message) => void warnings.push(message) })
    const ours = warnings.filter((warning) => warning.includes('could not be inspected'))
    expect(ours).toEqual([expect.stringContaining(`${holder.pid} (`)])
  })
})

test('a daemon refuses a delete without names too', async () => {
  await using daemon = await startTestDaemon()
  const ask = (form: Record<string, string>) => daemon.ask('POST', '/api/v1/backup/delete', { form })
  const forms: Record<string, string>[] = [{}, { files: '' }, { names: 'a-1795425842.tar.gz' }]
  for (const form of forms) expect(await ask(form)).toMatchObject({ status: 400, code: 'BAD_INPUT' })
})
