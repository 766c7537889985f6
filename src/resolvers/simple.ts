/** Fields without a resolver of their own are read as they are, without what the library puts around each. */
export const SIMPLE = { simpleResolvers: true }
