/** Whether user and password are written as in URLs: a "%" as "%25". */
export function hasReadablePassword({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
