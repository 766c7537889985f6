import { GraphQLScalarType } from 'graphql'
import { GraphQLBigInt, GraphQLDateTimeISO, GraphQLJSON } from 'graphql-scalars'
import { isoTime } from '../lib/clock.ts'

const config = GraphQLDateTimeISO.toConfig()
const OTHER_YEAR = /^[+-]\d{6}-/
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/**
 * RFC 3339 text, on the wire and in the process; nanoseconds are kept. A daemon may send years that RFC 3339 cannot
 * express (`+275760-09-13…`): they become the nearest time that it can.
 */
export const DateTime = new GraphQLScalarType({
  ...config,
  serialize: (value) => {
    if (typeof value === 'string' && UTC.test(value)) return value
    const ms = typeof value === 'string' && OTHER_YEAR.test(value) ? Date.parse(value) : Number.NaN
    return Number.isNaN(ms) ? config.serialize?.(value) : isoTime(ms)
  },
  name: 'DateTime',
  description: 'A time, ISO 8601 in UTC.',
  extensions: {},
})
/** Whole numbers beyond 32 bits, such as bytes. */
export const BigIntScalar: GraphQLScalarType = GraphQLBigInt
export const JsonScalar: GraphQLScalarType = GraphQLJSON
