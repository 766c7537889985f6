import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { runPromtool, testWithPromtool } from '../support/promtool.ts'

const RULES = 'ops/prometheus/backupd.rules.yml'
const DOCS = readFileSync('docs/metrics.md', 'utf8')
/** Metrics of the process, which every program of Node has; the suffixes are those of a histogram. */
const OF_PROCESS = /^(nodejs|process)_/
const SUFFIX = /_(bucket|sum|count)$/

const targetSchema = z.object({ refId: z.string(), expr: z.string().min(1), legendFormat: z.string() })
const panelSchema = z.object({
  id: z.number().int().positive(),
  type: z.enum(['stat', 'table', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.object({
    x: z.number().int().min(0),
    y: z.number().int().min(0),
    w: z.number().int().positive(),
    h: z.number().int().positive(),
  }),
  targets: z.array(targetSchema).min(1),
})
const dashboardSchema = z.object({ uid: z.string(), title: z.string(), panels: z.array(panelSchema).min(1) })
const dashboard = dashboardSchema.parse(JSON.parse(readFileSync('ops/grafana/backupd.json', 'utf8')))

function writeTemporary(name: string, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-test-ops-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

/** The names of metrics in an expression of a rule or a panel. */
function namesIn(text: string): string[] {
  return [...new Set(text.match(/\b(?:backupd|nodejs|process)_[a-z0-9_]+/g))]
}

function isDocumented(name: string): boolean {
  return (
    OF_PROCESS.test(name) || [name, name.replace(SUFFIX, '')].some((each) => DOCS.includes(`\`${each}\``))
  )
}

testWithPromtool('the alert rules are valid, and do what their tests say', () => {
  expect(runPromtool(['check', 'rules', RULES])).toMatchObject({ status: 0 })
  expect(runPromtool(['test', 'rules', 'ops/prometheus/backupd.test.yml'])).toMatchObject({ status: 0 })
  expect(runPromtool(['check', 'config', 'ops/prometheus/prometheus.yml'])).toMatchObject({ status: 0 })
})

testWithPromtool('a test of the rules that expects something else fails', () => {
  const rules = writeTemporary('rules.yml', readFileSync(RULES, 'utf8').replaceAll('FAILING', 'PARTIAL'))
  const tests = readFileSync('ops/prometheus/backupd.test.yml', 'utf8').replace('backupd.rules.yml', rules)
  const { status, output } = runPromtool(['test', 'rules', writeTemporary('test.yml', tests)])
  expect(status).not.toBe(0)
  expect(output).toContain('BackupFailing')
})

test('each alert has a test', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  const tests = readFileSync('ops/prometheus/backupd.test.yml', 'utf8')
  const raised = [...tests.matchAll(/alertname: (\w+)\n\s+exp_alerts:\n/g)].map(([, name]) => name)
  expect(alerts.length).toBeGreaterThan(10)
  expect(new Set(raised)).toEqual(new Set(alerts))
})

test('rules and dashboard use only metrics that exist', () => {
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const names = namesIn([readFileSync(RULES, 'utf8'), ...expressions].join('\n'))
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => !isDocumented(name))).toEqual([])
})

testWithPromtool('every expression of the dashboard is one', () => {
  const rules = dashboard.panels.flatMap(({ id, targets }) =>
    targets.map(({ refId, expr }) => ({ record: `panel:${id}:${refId}`, expr })),
  )
  const file = writeTemporary('panels.yml', JSON.stringify({ groups: [{ name: 'panels', rules }] }))
  expect(runPromtool(['check', 'rules', file])).toMatchObject({ status: 0 })
})

test('the panels of the dashboard have ids of their own and do not overlap', () => {
  const { panels } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
})
