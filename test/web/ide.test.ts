import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { createLoginCode, printLoginLink } from '../../src/controller/login-link.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ask, type Program, startStandalone } from '../support/standalone.ts'

const BROWSER = '/usr/bin/chromium'
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync']
const OFFLINE = ['--disable-background-networking', '--disable-component-update']

let folder: string
let program: Program | undefined
let browser: Browser | undefined

afterEach(async () => {
  await browser?.close()
  program?.process.kill('SIGKILL')
  await program?.ended
  await rm(folder, { recursive: true, force: true })
})

test.skipIf(!existsSync(BROWSER))(
  `the IDE queries and subscribes, and contacts no other host (needs ${BROWSER})`,
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'ide-'))
    await mkdir(join(folder, 'volume'))
    await writeFile(join(folder, 'volume/file'), 'x')
    const started = await startStandalone(folder)
    program = started.program
    await program.said(/\/graphql/)

    browser = await chromium.launch({ executablePath: BROWSER, args: [...QUIET, ...OFFLINE] })
    const page = await browser.newPage()
    const elsewhere: string[] = []
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(new URL(started.url).origin)) {
        elsewhere.push(request.url())
      }
    })
    const violations = await watchPolicy(page)
    await page.goto(started.url)
    const run = page.locator('.graphiql-execute-button')
    const answer = page.locator('.result-window')

    // The page does not say when it takes a click for a query: click until one is answered.
    await until(answer.getByText('"shop.web.web"'), () => run.click())

    await page.getByText('Watch', { exact: true }).click()
    await page.locator('.graphiql-query-editor').getByText('recordUpdated').waitFor()
    const stop = page.locator('.graphiql-execute-button[aria-label*="Stop"]')
    await until(stop, () => run.click())
    const { jobs } = await ask<{ jobs: { id: string; action: string }[] }>(
      started.url,
      '{ jobs { id action } }',
    )
    const id = jobs.find((job) => job.action === 'backup')?.id
    // The page does not show when it has subscribed: run the job until a run is seen.
    await until(answer.getByText('"SUCCESS"'), () =>
      ask(started.url, 'mutation ($id: ID!) { runJob(id: $id) { rid } }', { id }),
    )
    expect(elsewhere).toEqual([])
    expect(await violations()).toEqual([])
  },
)

test.skipIf(!existsSync(BROWSER))(
  `the IDE asks for a token if the controller needs one (needs ${BROWSER})`,
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'ide-'))
    await mkdir(join(folder, 'volume'))
    const started = await startStandalone(folder, ['--anonymous', 'none'])
    program = started.program
    await program.said(/with a token; one for everything is in/)
    const token = await readFile(join(folder, 'data/controller/admin-token'), 'utf8')

    browser = await chromium.launch({ executablePath: BROWSER, args: [...QUIET, ...OFFLINE] })
    const page = await browser.newPage()
    const violations = await watchPolicy(page)
    await page.goto(started.url)
    await page.getByText('Sign in: this controller does not answer you without a token').waitFor()
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The token is not valid').waitFor()
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    const answer = page.locator('.result-window')
    await until(answer.getByText('"shop.web.web"'), () => page.locator('.graphiql-execute-button').click())
    await page.getByText('Watch', { exact: true }).click()
    await page.locator('.graphiql-query-editor').getByText('recordUpdated').waitFor()
    const stop = page.locator('.graphiql-execute-button[aria-label*="Stop"]')
    await until(stop, () => page.locator('.graphiql-execute-button').click())
    expect(page.url()).not.toContain('bkd_')
    await page.reload()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('Sign in: this controller does not answer you without a token').waitFor()
    const code = await createLoginCode(join(folder, 'data/controller'), systemClock.now())
    await page.goto('about:blank')
    await page.goto(printLoginLink(started.url, code))
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    expect(page.url()).not.toContain(code)
    expect(await violations()).toEqual([])
    await expect(page.addScriptTag({ content: 'document.title = "injected"' })).rejects.toThrow()
    expect(await page.title()).not.toBe('injected')
  },
)

/** Repeats `act` until `seen` is visible and stays so. */
async function until(seen: Locator, act: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await staysVisible(seen)) return
    await act()
    await seen.waitFor({ timeout: 4000 }).catch(() => {})
  }
  expect(await staysVisible(seen)).toBe(true)
}

/** A query of another tab that is still being answered shows the same for a moment. */
async function staysVisible(seen: Locator): Promise<boolean> {
  if (!(await seen.isVisible())) return false
  return await seen.waitFor({ state: 'hidden', timeout: 500 }).then(
    () => false,
    () => true,
  )
}

/** What the Content-Security-Policy of the page keeps it from, from now on. */
async function watchPolicy(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const found: string[] = []
    Object.assign(globalThis, { violations: found })
    const page = globalThis as unknown as EventTarget
    page.addEventListener('securitypolicyviolation', (event) => {
      const { violatedDirective, blockedURI } = event as Event & Record<string, unknown>
      found.push(`${violatedDirective} ${blockedURI}`)
    })
  })
  return () => page.evaluate(() => (globalThis as unknown as { violations: string[] }).violations)
}
