/** The logger interface; pino's Logger implements it. `facts` are for programs, `message` is for people. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
