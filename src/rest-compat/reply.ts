/** What a legacy URL answers. */
export interface Reply {
  status: number
  /** Printed as JSON; a 204 has none. */
  body: unknown
  /** Each a sentence for the Warning header. */
  warnings?: readonly string[]
  /** Of a refusal: lib/error-codes.ts. */
  code?: string
}
