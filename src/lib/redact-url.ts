/**
 * Makes a URL safe to show and log: replaces the password by `***`, and a user name without one, which may be a token.
 * A text that is not a URL is returned unchanged.
 */
export function redactUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url?.username && !url?.password) return text
  if (url.password) url.password = '***'
  else url.username = '***'
  return url.href
}

/** The Authorization header for a URL's user and password, which undici does not send on its own. */
export function makeAuthorization(text: string): { authorization?: string } {
  const { username, password } = new URL(text)
  if (!username && !password) return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
