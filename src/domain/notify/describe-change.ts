import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../lib/errors.ts'
import type { NotifySink, Settings } from '../../wire/settings.ts'

/**
 * What the audit says of settings: no URL, no address and no secret.
 * @param before the settings until now
 * @returns undefined if they are equal
 */
export function describeSettingsChange(
  { sinks, ping }: Settings,
  before: Settings,
): Record<string, Json> | undefined {
  const changed = findChanged(sinks, before.sinks)
  const pingChanged = !isDeepStrictEqual(ping, before.ping)
  if (changed.length === 0 && !pingChanged) return undefined
  return { sinks: sinks.map(describeSink), ping: ping !== null, changed, pingChanged }
}

function describeSink({ name, channel, match: { severity, kinds, apps }, quietHours }: NotifySink) {
  return {
    name,
    channel: channel.kind,
    ...(severity && { severity }),
    ...(kinds && { kinds: [...kinds] }),
    ...(apps && { apps: [...apps] }),
    ...(quietHours && { quiet: true }),
  }
}

/** Names of the sinks that are new, gone or other ones. */
function findChanged(now: readonly NotifySink[], before: readonly NotifySink[]): string[] {
  const [byName, byNameBefore] = [indexByName(now), indexByName(before)]
  const names = new Set([...byNameBefore.keys(), ...byName.keys()])
  return [...names].filter((name) => !isDeepStrictEqual(byName.get(name), byNameBefore.get(name)))
}

function indexByName(sinks: readonly NotifySink[]): Map<string, NotifySink> {
  return new Map(sinks.map((sink) => [sink.name, sink]))
}
