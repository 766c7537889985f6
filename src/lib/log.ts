/** What we ask of a logger; pino's Logger fits. `facts` are for programs, `message` is for people. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Says nothing. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }
