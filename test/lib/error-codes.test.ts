import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/lib/error-codes.ts'

const DOCUMENT = new URL('../../docs/errors.md', import.meta.url)

/** The table of codes stands before the first section: code in backticks, meaning, what to do. */
function documentedCodes(): { code: string; meaning: string; action: string }[] {
  const [beforeSections = ''] = readFileSync(DOCUMENT, 'utf8').split('\n## ')
  const rows = beforeSections.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$/gm)
  return [...rows].map(([, code = '', meaning = '', action = '']) => ({ code, meaning, action }))
}

test('docs/errors.md has every code in order with its action, and no other', () => {
  const documented = documentedCodes().map(({ code, action }) => [code, action])
  expect(documented).toEqual(Object.entries(ERROR_CODES))
})

test('every code in docs/errors.md is explained', () => {
  for (const { meaning } of documentedCodes()) expect(meaning).toMatch(/^[A-Z].*\.$/)
})
