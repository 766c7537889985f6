/** The answer of a legacy URL. */
export interface Reply {
  status: number
  /** Sent as JSON, a JsonElements in pieces; a 204 has none. */
  body: unknown
  /** Sentences for the Warning header. */
  warnings?: readonly string[]
  /** The code of a refusal: see lib/error-codes.ts. */
  code?: string
}
