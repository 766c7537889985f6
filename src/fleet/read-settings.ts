import { NO_SETTINGS, type Ping, type Settings, type SettingsNews } from '../wire/settings.ts'
import { readSink, readUrl, SINK_EXAMPLE } from './read-sink.ts'
import { printProblems } from './yaml-problems.ts'
import { type Value, YamlReader } from './yaml-reader.ts'

const EXAMPLE = `notify: { sinks: [${SINK_EXAMPLE}] }`

/** Parses a settings file. Returns the settings, or all problems found. @param file appears in problems */
export function readSettings(text: string, file: string): SettingsNews {
  const reader = new YamlReader(text, { hasSecrets: true })
  const settings = reader.problems.length > 0 ? NO_SETTINGS : readSettingsRoot(reader)
  if (reader.problems.length === 0) return { kind: 'settings', settings }
  return { kind: 'broken', problem: printProblems(`settings ${file}`, reader.problems) }
}

/** An empty file sets nothing. */
function readSettingsRoot(reader: YamlReader): Settings {
  if (reader.isEmpty(reader.root)) return NO_SETTINGS
  const { notify } = reader.fields(reader.root, { known: ['notify'], example: EXAMPLE })
  if (!notify) return NO_SETTINGS
  const { sinks, ping } = reader.fields(notify, { known: ['sinks', 'ping'], example: EXAMPLE })
  return {
    sinks: sinks ? readSinks(reader, sinks) : [],
    ping: (ping && readPing(reader, ping)) ?? null,
  }
}

const MAX_SINKS = 50

function readSinks(reader: YamlReader, value: Value): Settings['sinks'] {
  const items = reader.list(value, EXAMPLE)
  if (items.length > MAX_SINKS)
    reader.problem(value, `there are ${items.length} sinks, expected at most ${MAX_SINKS}`)
  const seen = new Set<string>()
  return items.slice(0, MAX_SINKS).flatMap((item) => {
    const sink = readSink(reader, item)
    if (sink && seen.has(sink.name))
      reader.problem(item, `there is another sink "${sink.name}": give each a "name" of its own`)
    if (sink) seen.add(sink.name)
    return sink ?? []
  })
}

const PING_EXAMPLE = '{ url: "https://hc-ping.com/…" }'

/** The failure form is that of healthchecks.io unless it is given. */
function readPing(reader: YamlReader, value: Value): Ping | undefined {
  const rules = { known: ['url', 'failUrl'], needed: ['url'], example: PING_EXAMPLE } as const
  const fields = reader.fields<'url' | 'failUrl'>(value, rules)
  const url = fields.url && readUrl(reader, fields.url)
  const failUrl = fields.failUrl ? readUrl(reader, fields.failUrl) : url && makeFailUrl(url)
  return url !== undefined && failUrl !== undefined ? { url, failUrl } : undefined
}

function makeFailUrl(text: string): string {
  const url = new URL(text)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/fail`
  return url.href
}
