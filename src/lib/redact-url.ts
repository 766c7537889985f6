/**
 * A URL as it may be shown and logged: the password reads `***`, and so does a user name that stands alone (a token).
 * What cannot be read as a URL is returned as it is.
 */
export function redactUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url?.username && !url?.password) return text
  if (url.password) url.password = '***'
  else url.username = '***'
  return url.href
}

/** The header that a URL's user and password stand for; undici sends none on its own. */
export function authorizationOf(text: string): { authorization?: string } {
  const { username, password } = new URL(text)
  if (!username && !password) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
