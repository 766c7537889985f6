import { GraphQLScalarType } from 'graphql'
import { GraphQLBigInt, GraphQLDateTimeISO, GraphQLJSON } from 'graphql-scalars'

/** ISO 8601 text on the wire and in process alike. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTimeISO.toConfig(),
  name: 'DateTime',
  description: 'A moment, ISO 8601.',
  extensions: {},
})
/** Bytes and counts beyond 32 bits: a whole number. */
export const BigIntScalar: GraphQLScalarType = GraphQLBigInt
export const JsonScalar: GraphQLScalarType = GraphQLJSON
