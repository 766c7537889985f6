import { expect, test } from 'vitest'
import { startTestController, testFolder } from '../support/real-controller.ts'

test('every link of / works', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  const response = await fetch(`${url}/`, { headers: { accept: 'text/html' } })
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const page = await response.text()
  expect(page).toContain('backupd 1.2.3')
  const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)
  expect(links).toContain('/healthz')
  for (const link of links) expect((await fetch(`${url}${link}`)).status).toBe(200)
  // Nothing was built for this controller, so that there is no IDE to link to.
  expect(links).not.toContain('/graphql')
})
