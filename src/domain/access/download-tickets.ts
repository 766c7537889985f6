import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What an address for a download is bound to. */
export interface DownloadTicket {
  /** The server of the backup. */
  server: string
  /** Its name in the store. */
  backup: string
  /** Id of a snapshot; empty for a backup without snapshots. */
  snapshot: string
  /** Text form of lib/byte-paths.ts, below the volume. */
  path: string
  /** The credentials of the caller who asked for the address, as in nameCredentials(); null: none. */
  credentials: string | null
}

/** The two parts of an address: what it is for, and what proves that it was given out. Only `key` is a secret. */
export interface DownloadAddress {
  file: string
  key: string
}

/** How long an address works, ms. */
const LIFE_MS = 10 * 60_000
const MAX_FILE_TEXT = 12_000

/**
 * Gives out addresses that work without a token, each for one file and for ten minutes. They are signed instead of kept, so
 * a list of files costs no memory; a restart of the controller ends them all.
 */
export class DownloadTickets {
  readonly #key = randomBytes(32)
  readonly #elapsed: () => number

  /** @param elapsed as in Clock */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed
  }

  /** Undefined for a path that is too long for an address. */
  give({ server, backup, snapshot, path, credentials }: DownloadTicket): DownloadAddress | undefined {
    const end = Math.ceil(this.#elapsed() + LIFE_MS)
    const json = JSON.stringify([server, backup, snapshot, path, credentials, end])
    const file = Buffer.from(json).toString('base64url')
    if (file.length > MAX_FILE_TEXT) return undefined
    return { file, key: this.#sign(file).toString('base64url') }
  }

  /** Undefined if the address was not given out here, or its time has passed. */
  take({ file, key }: DownloadAddress): DownloadTicket | undefined {
    if (file.length > MAX_FILE_TEXT || !isOwnKey(this.#sign(file), Buffer.from(key, 'base64url')))
      return undefined
    const [server, backup, snapshot, path, credentials, end] = JSON.parse(
      Buffer.from(file, 'base64url').toString(),
    )
    return this.#elapsed() < end ? { server, backup, snapshot, path, credentials } : undefined
  }

  #sign(file: string): Buffer {
    return createHmac('sha256', this.#key).update(file).digest()
  }
}

function isOwnKey(own: Buffer, given: Buffer): boolean {
  return own.length === given.length && timingSafeEqual(own, given)
}
