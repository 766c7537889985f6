import { readFileSync } from 'node:fs'

export interface ReadSample {
  name: string
  labels: Record<string, string>
  value: number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y

/** Reads the text format of Prometheus as strictly as it is printed; throws for a line that is none. */
export function readMetrics(text: string): ReadSample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined) throw new Error(`This is not a sample: ${line}`)
    return { name, labels: readLabels(labels), value: value === '+Inf' ? Infinity : Number(value) }
  })
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? []
    if (name === undefined || value === undefined) throw new Error(`These are not labels: ${text}`)
    labels[name] = value.replaceAll(/\\(.)/g, (_all, escaped) => (escaped === 'n' ? '\n' : escaped))
  }
  return labels
}

/** The values of all samples of this name with these labels. */
export function valuesOf(samples: ReadSample[], name: string, labels: Record<string, string> = {}): number[] {
  const fits = (sample: ReadSample) =>
    sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  return samples.filter(fits).map(({ value }) => value)
}

export async function scrape(
  url: string,
): Promise<{ text: string; type: string | null; encoding: string | null; samples: ReadSample[] }> {
  const answer = await fetch(`${url}/metrics`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${answer.status} ${text}`)
  return {
    text,
    type: answer.headers.get('content-type'),
    encoding: answer.headers.get('content-encoding'),
    samples: readMetrics(text),
  }
}

/** The metrics of ours that a page has, and those that docs/metrics.md names under this heading. */
export function compareWithDocs(
  text: string,
  heading: string,
): { served: Set<string>; documented: Set<string> } {
  const [, section = ''] = readFileSync('docs/metrics.md', 'utf8').split(`## ${heading}\n`)
  const cells = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| (`backupd_[^|]+) \|/gm)]
  const documented = cells.flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  )
  const served = [...text.matchAll(/^# TYPE (backupd_\w+) /gm)].map(([, name = '']) => name)
  return { served: new Set(served), documented: new Set(documented) }
}
