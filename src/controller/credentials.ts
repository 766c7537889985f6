/** The token in an Authorization header: of Bearer, or the password of Basic. undefined if there is none. */
export function readCredentials(authorization: string): string | undefined {
  const [scheme = '', value = '', ...more] = authorization.trim().split(/ +/)
  if (value === '' || more.length > 0) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  return scheme.toLowerCase() === 'basic' ? readPassword(value) : undefined
}

/** The user's name is not looked at. */
function readPassword(encoded: string): string | undefined {
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 || colon === text.length - 1 ? undefined : text.slice(colon + 1)
}
