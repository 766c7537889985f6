import type { Settings, SettingsNews } from '../wire/settings.ts'
import { readSink, SINK_EXAMPLE } from './read-sink.ts'
import { printProblems } from './yaml-problems.ts'
import { type Value, YamlReader } from './yaml-reader.ts'

const EXAMPLE = `notify: { sinks: [${SINK_EXAMPLE}] }`

/** Parses a settings file. Returns the settings, or all problems found. @param file appears in problems */
export function readSettings(text: string, file: string): SettingsNews {
  const reader = new YamlReader(text)
  const settings = reader.problems.length > 0 ? { sinks: [] } : readSettingsRoot(reader)
  if (reader.problems.length === 0) return { kind: 'settings', settings }
  return { kind: 'broken', problem: printProblems(`settings ${file}`, reader.problems) }
}

/** An empty file sets nothing. */
function readSettingsRoot(reader: YamlReader): Settings {
  if (reader.isEmpty(reader.root)) return { sinks: [] }
  const { notify } = reader.fields(reader.root, { known: ['notify'], example: EXAMPLE })
  if (!notify) return { sinks: [] }
  const { sinks } = reader.fields(notify, { known: ['sinks'], needed: ['sinks'], example: EXAMPLE })
  return { sinks: sinks ? readSinks(reader, sinks) : [] }
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
