import { GraphQLScalarType } from 'graphql'
import { GraphQLBigInt, GraphQLDateTimeISO, GraphQLJSON } from 'graphql-scalars'

const config = GraphQLDateTimeISO.toConfig()
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/

/** ISO 8601 text on the wire and in process alike; what came to the nanosecond goes out so. */
export const DateTime = new GraphQLScalarType({
  ...config,
  serialize: (value) => (typeof value === 'string' && UTC.test(value) ? value : config.serialize?.(value)),
  name: 'DateTime',
  description: 'A moment, ISO 8601.',
  extensions: {},
})
/** Bytes and counts beyond 32 bits: a whole number. */
export const BigIntScalar: GraphQLScalarType = GraphQLBigInt
export const JsonScalar: GraphQLScalarType = GraphQLJSON
