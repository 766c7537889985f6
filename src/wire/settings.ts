// What the settings file of a controller says. Only fleet/ reads it from text; domain/ acts by it.

/** Worst first. */
export const SINK_SEVERITIES = ['critical', 'warning', 'info'] as const
export type SinkSeverity = (typeof SINK_SEVERITIES)[number]

export const WEBHOOK_FORMATS = ['json', 'slack', 'ntfy'] as const
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number]

export interface Settings {
  sinks: NotifySink[]
  /** null: nobody watches whether the controller works. */
  ping: Ping | null
}

/** Somebody who raises an alarm if nothing comes for a while. The URLs may be secret. */
export interface Ping {
  url: string
  /** Where a fault of the controller is told. */
  failUrl: string
}

/** Where notifications go. */
export interface NotifySink {
  /** Unique. */
  name: string
  channel: Webhook | Email
  match: SinkMatch
  /** null: it is never quiet. */
  quietHours: QuietHours | null
}

export interface Webhook {
  kind: 'webhook'
  /** May have a password, or be one: never shown. */
  url: string
  /** Signs what is sent; null: nothing is signed. */
  secret: string | null
  format: WebhookFormat
}

export interface Email {
  kind: 'email'
  /** Plain addresses. */
  to: readonly string[]
  from: string
  /** `smtp://user:password@host:587`, or `smtps://`. May have a password: never shown. */
  server: string
}

/** All fields must match; null: anything does. */
export interface SinkMatch {
  /** This severity and worse ones. */
  severity: SinkSeverity | null
  kinds: readonly string[] | null
  /** Names of apps, or `team-*`. */
  apps: readonly string[] | null
}

/** Minutes of the day; `from` may be after `to`, over midnight. */
export interface QuietHours {
  from: number
  to: number
  zone: string
}

export type SettingsNews = { kind: 'settings'; settings: Settings } | { kind: 'broken'; problem: string }

export const NO_SETTINGS: Settings = { sinks: [], ping: null }
