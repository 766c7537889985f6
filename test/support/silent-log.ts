import type { Log } from '../../src/lib/log.ts'

/** Discards everything. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
