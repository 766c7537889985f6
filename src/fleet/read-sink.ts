import { isZone, localZone } from '../lib/schedule/zone.ts'
import { ALARM_KINDS } from '../wire/alarm-kinds.ts'
import {
  type NotifySink,
  type QuietHours,
  SINK_SEVERITIES,
  type SinkMatch,
  WEBHOOK_FORMATS,
  type Webhook,
} from '../wire/settings.ts'
import { readEmail } from './read-email.ts'
import { hasReadablePassword } from './readable-password.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

export const SINK_EXAMPLE = '{ webhook: { url: "https://example.org/hook" }, match: { severity: critical } }'
const SINK_FIELDS = ['name', 'webhook', 'email', 'match', 'quietHours'] as const

/** Problems never repeat what is written, because URLs and secrets are among it. */
export function readSink(reader: YamlReader, value: Value): NotifySink | undefined {
  const before = reader.problems.length
  const fields = reader.fields(value, { known: SINK_FIELDS, example: SINK_EXAMPLE })
  const channel = readChannel(reader, value, fields)
  const name = fields.name ? readName(reader, fields.name) : channel && findHost(channel)
  const match = fields.match ? readMatch(reader, fields.match) : { severity: null, kinds: null, apps: null }
  const quietHours = fields.quietHours ? readQuietHours(reader, fields.quietHours) : null
  if (!channel || name === undefined || reader.problems.length > before) return undefined
  return { name, channel, match, quietHours: quietHours ?? null }
}

function readChannel(
  reader: YamlReader,
  value: Value,
  { webhook, email }: { webhook?: Value; email?: Value },
): NotifySink['channel'] | undefined {
  if (webhook && !email) return readWebhook(reader, webhook)
  if (email && !webhook) return readEmail(reader, email)
  return reader.problem(value, 'a sink has either "webhook" or "email"')
}

function findHost(channel: NotifySink['channel']): string {
  return new URL(channel.kind === 'webhook' ? channel.url : channel.server).hostname
}

function readName(reader: YamlReader, value: Value): string | undefined {
  const name = reader.text(value, 'name: pager')
  if (name === undefined || /^[^\p{C}]{1,100}$/u.test(name)) return name
  return reader.problem(value, 'a name has 1 to 100 printable characters')
}

const WEBHOOK_EXAMPLE = '{ url: "https://example.org/hook", secret: "…", format: json }'

function readWebhook(reader: YamlReader, value: Value): Webhook | undefined {
  const known = ['url', 'secret', 'format'] as const
  const fields = reader.fields(value, { known, needed: ['url'], example: WEBHOOK_EXAMPLE })
  const url = fields.url && readUrl(reader, fields.url)
  const secret = fields.secret ? readSecret(reader, fields.secret) : null
  const format = fields.format ? readWord(reader, fields.format, WEBHOOK_FORMATS) : 'json'
  if (url === undefined || secret === undefined || !format) return undefined
  return { kind: 'webhook', url, secret, format }
}

export function readUrl(reader: YamlReader, value: Value): string | undefined {
  const text = reader.text(value, '"https://example.org/hook"')
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '' && hasReadablePassword(url)) return text
  return reader.problem(value, 'this is not the URL of a webhook, expected https://… or http://…')
}

const MIN_SECRET = 16

function readSecret(reader: YamlReader, value: Value): string | undefined {
  const secret = reader.text(value, 'a text of 16 characters or more')
  if (secret === undefined || secret.length >= MIN_SECRET) return secret
  return reader.problem(value, `a secret has ${MIN_SECRET} characters or more: others could guess this one`)
}

/** Capitals do not matter. */
function readWord<Word extends string>(
  reader: YamlReader,
  value: Value,
  words: readonly Word[],
): Word | undefined {
  const text = reader.text(value, words.join(' or '))
  if (text === undefined) return undefined
  const found = words.find((word) => word.toLowerCase() === text.toLowerCase())
  return found ?? reader.unknownWord(value, text, words)
}

/** In one list. */
const MAX_MATCHED = 1000
const MATCH_EXAMPLE = '{ severity: warning, kind: [SILENT, OVERDUE], app: [shop, team-*] }'

function readMatch(reader: YamlReader, value: Value): SinkMatch {
  const fields = reader.fields(value, { known: ['severity', 'kind', 'app'], example: MATCH_EXAMPLE })
  const readKind = (item: Value) => readWord(reader, item, ALARM_KINDS)
  return {
    severity: (fields.severity && readWord(reader, fields.severity, SINK_SEVERITIES)) ?? null,
    kinds: fields.kind ? readOneOrMore(reader, fields.kind, readKind) : null,
    apps: fields.app ? readOneOrMore(reader, fields.app, (item) => readApp(reader, item)) : null,
  }
}

function readOneOrMore<T>(reader: YamlReader, value: Value, read: (item: Value) => T | undefined): T[] {
  const items = reader.isText(value) ? [value] : reader.list(value, MATCH_EXAMPLE)
  if (items.length === 0)
    reader.problem(value, 'this list is empty, so that nothing would be sent: leave it out')
  if (items.length > MAX_MATCHED)
    return (
      reader.problem(value, `this list has ${items.length} values, expected at most ${MAX_MATCHED}`) ?? []
    )
  return items.flatMap((item) => read(item) ?? [])
}

function readApp(reader: YamlReader, value: Value): string | undefined {
  const text = reader.text(value, 'shop, or team-*')
  if (text === undefined || /^[^*\s]{1,199}\*?$|^\*$/.test(text)) return text
  return reader.problem(value, 'this is not an app, expected a name, or team-* with the star at the end')
}

const QUIET_EXAMPLE = '{ from: "22:00", to: "07:00", zone: Europe/Berlin }'

function readQuietHours(reader: YamlReader, value: Value): QuietHours | undefined {
  const known = ['from', 'to', 'zone'] as const
  const fields = reader.fields(value, { known, needed: ['from', 'to'], example: QUIET_EXAMPLE })
  const from = fields.from && readMinutes(reader, fields.from)
  const to = fields.to && readMinutes(reader, fields.to)
  const zone = fields.zone ? readZone(reader, fields.zone) : localZone()
  if (from === undefined || to === undefined || zone === undefined) return undefined
  if (from === to)
    return reader.problem(value, '"from" and "to" are the same time: the hours would have no length')
  return { from, to, zone }
}

function readMinutes(reader: YamlReader, value: Value): number | undefined {
  const text = reader.text(value, '"22:00"')
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text ?? '') ?? []
  if (hours !== undefined) return Number(hours) * 60 + Number(minutes)
  return text === undefined ? undefined : reader.problem(value, 'this is not a time of day, expected "22:00"')
}

function readZone(reader: YamlReader, value: Value): string | undefined {
  const zone = reader.text(value, 'Europe/Berlin')
  if (zone === undefined || isZone(zone)) return zone
  return reader.problem(value, 'this is not a time zone, expected one such as Europe/Berlin')
}
