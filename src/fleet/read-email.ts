import type { Email } from '../wire/settings.ts'
import { hasReadablePassword } from './readable-password.ts'
import type { Value, YamlReader } from './yaml-reader.ts'

const FIELDS = ['to', 'from', 'server'] as const
const EXAMPLE =
  '{ to: ops@example.org, from: backupd@example.org, server: "smtp://user:password@mail.example.org:587" }'
const MAX_RECIPIENTS = 50
const MAX_ADDRESS = 254

/** The `email` of a sink. Problems never repeat what is written, because a password is among it. */
export function readEmail(reader: YamlReader, value: Value): Email | undefined {
  const fields = reader.fields<(typeof FIELDS)[number]>(value, {
    known: FIELDS,
    needed: FIELDS,
    example: EXAMPLE,
  })
  const to = fields.to && readRecipients(reader, fields.to)
  const from = fields.from && readAddress(reader, fields.from)
  const server = fields.server && readMailServer(reader, fields.server)
  return to && from !== undefined && server !== undefined ? { kind: 'email', to, from, server } : undefined
}

function readRecipients(reader: YamlReader, value: Value): string[] | undefined {
  const items = reader.isText(value) ? [value] : reader.list(value, EXAMPLE)
  if (items.length === 0 || items.length > MAX_RECIPIENTS)
    return reader.problem(value, `an e-mail has 1 to ${MAX_RECIPIENTS} addresses`)
  return items.flatMap((item) => readAddress(reader, item) ?? [])
}

/** Without a name: what stands in a header cannot hide another one. */
function readAddress(reader: YamlReader, value: Value): string | undefined {
  const text = reader.text(value, 'ops@example.org')
  if (text === undefined) return undefined
  const isAddress =
    text.length <= MAX_ADDRESS && /^[^\s@<>()[\],;:"\\\p{C}]+@[^\s@<>()[\],;:"\\\p{C}]+$/u.test(text)
  return isAddress
    ? text
    : reader.problem(value, 'this is not an e-mail address, expected one such as ops@example.org')
}

function readMailServer(reader: YamlReader, value: Value): string | undefined {
  const text = reader.text(value, '"smtp://user:password@mail.example.org:587"')
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const isServer = url && /^smtps?:$/.test(url.protocol) && url.hostname !== '' && /^\/?$/.test(url.pathname)
  if (isServer && url.search === '' && url.hash === '' && hasReadablePassword(url)) return text
  return reader.problem(value, 'this is not the URL of a mail server, expected smtp://… or smtps://…')
}
