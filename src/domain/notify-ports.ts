// What notifications need from outside; ports.ts has the other ports.

import type { Page, Slice } from '../wire/listing.ts'
import type { Email, SettingsNews } from '../wire/settings.ts'
import type { Notification, NotificationState } from './notify/notification.ts'
import type { MailMessage, WebhookMessage } from './notify/print-body.ts'

export type { Notification } from './notify/notification.ts'

export interface NotificationFilter {
  sink?: string
  states?: NotificationState[]
}

export interface NotificationStore {
  /** Those that wait, in the order of their making. */
  loadWaiting(): Promise<Notification[]>
  /** New ones, or new versions of known ones; in one transaction. */
  save(notifications: readonly Notification[]): Promise<void>
  /** Newest first. */
  find(filter: NotificationFilter, page: Page): Promise<Slice<Notification>>
  count(filter: NotificationFilter): Promise<number>
}

export interface WebhookPort {
  /** The HTTP status of the answer. Throws if there was none in time or before `stop`; the error never has the URL. */
  post(url: string, message: WebhookMessage, stop: AbortSignal): Promise<number>
}

export interface MailPort {
  /**
   * Throws if the server was not reached, does not take the mail from us, or has not done so before `stop`; the error
   * never has the password.
   */
  send(email: Email, message: MailMessage, stop: AbortSignal): Promise<SinkAnswer>
}

/** What a receiver answered. */
export interface SinkAnswer {
  isTaken: boolean
  /** It will never take this one. */
  isFinal: boolean
  answer: string
}

export interface SettingsSource {
  /** Calls back with the first state before it resolves, then with each change. Rejects if the first one is broken. */
  watch(onNews: (news: SettingsNews) => void): Promise<SettingsWatch>
}

export interface SettingsWatch {
  /** Reads the file now. */
  reread(): Promise<void>
  close(): Promise<void>
}
