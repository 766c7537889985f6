/** Fields without a resolver are read directly, which skips the library's wrapper around each. */
export const SIMPLE = { simpleResolvers: true }
