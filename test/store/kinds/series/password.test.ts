import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BackupdError } from '../../../../src/lib/errors.ts'
import { localDriver } from '../../../../src/objects/drivers/local.ts'
import { secondsClock } from '../../../support/hand-clock.ts'
import { IP, T0 } from '../../../support/store-samples.ts'
import { tempDir } from '../../../support/temp-dir.ts'
import { createWholeStore } from '../../../support/whole-store.ts'

const OTHER = '10.0.0.77'

function daemonOn(dir: string, { ip = IP, file }: { ip?: string; file?: string } = {}) {
  const given = file === undefined ? {} : { repositoryPasswordFile: file }
  const identity = { ip, daemonId: `daemon of ${ip}`, version: '0.1.0', ...given }
  return createWholeStore({ driver: localDriver(dir), identity, clock: secondsClock(), warn: () => {} })
}

function passwordFile(text: string): string {
  const file = join(tempDir(), 'password')
  writeFileSync(file, text)
  return file
}

describe('the password of a store', () => {
  test('is created once, however many daemons start, readable by nobody else', async () => {
    const dir = tempDir()
    const daemons = [1, 2, 3, 4].map((n) => daemonOn(dir, { ip: `10.0.0.${n}` }))
    const made = await Promise.all(daemons.map((daemon) => daemon.preparePassword()))
    expect(made.filter((one) => one.made)).toHaveLength(1)
    const file = join(dir, '.repository-password')
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('is created again if a crash left an empty file', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, '.repository-password'), '')
    expect(await daemonOn(dir).preparePassword()).toEqual({ made: true })
    expect(readFileSync(join(dir, '.repository-password'), 'utf8')).toHaveLength(65)
  }, 15_000)

  test('is not taken for that of another daemon if it cannot be created', async () => {
    const dir = tempDir()
    const daemon = daemonOn(dir)
    const full = new BackupdError('STORE_FULL', 'The store is full')
    const { create } = daemon.driver
    daemon.driver.create = () => Promise.reject(full)
    await expect(daemon.preparePassword()).rejects.toMatchObject({ code: 'STORE_FULL' })
    daemon.driver.create = create
    expect(await daemon.preparePassword()).toEqual({ made: true })
  })

  test('leaves no file of a daemon that was killed while it created it', async () => {
    const dir = tempDir()
    const [old, fresh] = ['1', '2'].map((digit) => `.repository-password.part-${digit.repeat(42)}`)
    for (const name of [old, fresh, `other.part-${'1'.repeat(42)}`])
      writeFileSync(join(dir, name ?? ''), 'half')
    const [long, now] = [T0 - 3700, T0 - 3500]
    utimesSync(join(dir, old ?? ''), long, long)
    utimesSync(join(dir, fresh ?? ''), now, now)
    utimesSync(join(dir, `other.part-${'1'.repeat(42)}`), long, long)
    await daemonOn(dir).preparePassword()
    const left = readdirSync(dir).filter((name) => name.includes('.part-'))
    expect(left.sort()).toEqual([fresh, `other.part-${'1'.repeat(42)}`])
  })

  test('is not changed', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, '.repository-password'), 'chosen by hand\n')
    expect(await daemonOn(dir).preparePassword()).toEqual({ made: false })
    expect(readFileSync(join(dir, '.repository-password'), 'utf8')).toBe('chosen by hand\n')
  })

  test('is not created if increments exist that it would not open', async () => {
    const dir = tempDir()
    const other = daemonOn(dir, { ip: OTHER })
    await other.claim(false)
    await other.preparePassword()
    await (await other.ownRepository())[Symbol.asyncDispose]()
    rmSync(join(dir, '.repository-password'))
    const refusal = daemonOn(dir).preparePassword()
    await expect(refusal).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD', facts: { namespace: OTHER } })
    await expect(refusal).rejects.toThrow(/Put that file back from your copy/)
  })
})

describe('a password of the operator', () => {
  test('is read without its line end, and none is created in the store', async () => {
    const dir = tempDir()
    const daemon = daemonOn(dir, { file: passwordFile('right one\r\n') })
    await daemon.claim(false)
    expect(await daemon.preparePassword()).toEqual({ made: false })
    await (await daemon.ownRepository())[Symbol.asyncDispose]()
    await using opened = await daemonOn(dir, { file: passwordFile('right one') }).repository(IP)
    expect(opened?.place.base).toBe(`${IP}/repo`)
    expect(() => statSync(join(dir, '.repository-password'))).toThrow('ENOENT')
  })

  test('is refused at start if it is wrong, even if only another daemon has increments yet', async () => {
    const dir = tempDir()
    const daemon = daemonOn(dir, { file: passwordFile('right one') })
    await daemon.claim(false)
    await (await daemon.ownRepository())[Symbol.asyncDispose]()
    const wrong = { file: passwordFile('wrong one') }
    for (const ip of [IP, OTHER]) {
      const refusal = daemonOn(dir, { ip, ...wrong }).preparePassword()
      await expect(refusal).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD', facts: { namespace: IP } })
    }
  })

  test('is accepted if it opens one of the others, although another of them is damaged', async () => {
    const dir = tempDir()
    const file = passwordFile('right one')
    for (const ip of ['10.0.0.2', '10.0.0.3']) {
      const daemon = daemonOn(dir, { ip, file })
      await daemon.claim(false)
      await (await daemon.ownRepository())[Symbol.asyncDispose]()
    }
    for (const damaged of ['10.0.0.2', '10.0.0.3']) {
      const config = join(dir, damaged, 'repo/config')
      const content = readFileSync(config)
      writeFileSync(config, 'x'.repeat(200))
      expect(await daemonOn(dir, { ip: OTHER, file }).preparePassword()).toEqual({ made: false })
      const refusal = daemonOn(dir, { ip: OTHER, file: passwordFile('wrong') }).preparePassword()
      await expect(refusal).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
      writeFileSync(config, content)
    }
  })

  test.each(['', ' \n'])('cannot be %j', async (text) => {
    const refusal = daemonOn(tempDir(), { file: passwordFile(text) }).preparePassword()
    await expect(refusal).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' })
  })
})
