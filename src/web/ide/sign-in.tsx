import { type FormEvent, useState } from 'react'
import type { Root } from 'react-dom/client'

/**
 * Resolves at once if the controller answers, to a session or without one; otherwise asks for a token until it is valid. The
 * session is in a cookie that no script can read.
 */
export async function signIn(root: Root, url: string): Promise<void> {
  const ofLink = await spendLink()
  const refusal = await findRefusal(url)
  if (refusal === null) return
  const problem = ofLink ?? refusal
  await new Promise<void>((resolve) => root.render(<SignIn problem={problem} onSignedIn={resolve} />))
}

/** Whether the caller has a session, which can be ended. */
export async function hasSession(url: string): Promise<boolean> {
  const { data } = (await (await post(url, { query: '{ viewer { kind } }' })).json()) as {
    data?: { viewer: { kind: string } }
  }
  return data?.viewer.kind === 'SESSION'
}

/** Ends the session, and asks for a token again. */
export async function signOut(): Promise<void> {
  await post('/logout', {})
  location.reload()
}

function post(url: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

const NO_ANSWER = 'The controller does not answer. Check that it runs'

/** What the controller says against a caller with this cookie, or without one; null if it answers. */
async function findRefusal(url: string): Promise<string | null> {
  const ask = () => post(url, { query: '{ viewer { name } }' })
  try {
    const first = await ask()
    // A refusal makes the browser forget a cookie that does not count, and without it the controller may answer.
    const answer = first.status === 401 || first.status === 403 ? await ask() : first
    const { errors } = (await answer.json()) as { errors?: { message: string }[] }
    return errors?.[0]?.message ?? null
  } catch {
    return NO_ANSWER
  }
}

/** Begins a session with the code behind `#`, if there is one. Returns what the controller says against it; null if nothing. */
async function spendLink(): Promise<string | null> {
  const code = new URLSearchParams(location.hash.slice(1)).get('code')
  if (code === null) return null
  // So that neither the history nor a bookmark has it.
  history.replaceState(null, '', location.pathname)
  return beginSession({ code })
}

/** What the controller says against a token or code; null if a session began. */
async function beginSession(proof: { token: string } | { code: string }): Promise<string | null> {
  try {
    const answer = await post('/login', proof)
    return answer.ok ? null : ((await answer.json()) as string)
  } catch {
    return NO_ANSWER
  }
}

interface SignInProps {
  problem: string
  onSignedIn(): void
}

function SignIn({ problem: first, onSignedIn }: SignInProps) {
  const [problem, setProblem] = useState(first)
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget).get('token')).trim()
    const found = await beginSession({ token })
    if (found === null) onSignedIn()
    else setProblem(found)
  }
  return (
    <form onSubmit={send} style={{ maxWidth: '40rem', margin: '4rem auto', font: '1rem sans-serif' }}>
      <h1>Sign in to backupd</h1>
      <p role="alert">{problem}.</p>
      <p>
        <label>
          Token: <input name="token" type="password" size={64} autoComplete="off" required />
        </label>{' '}
        <button type="submit">Sign in</button>
      </p>
      <p>
        The first start of the controller leaves a token in the file <code>admin-token</code> of its data
        directory. With it, <code>backupd token create</code> makes others. Or run{' '}
        <code>backupd login-link</code> there, which prints a link that signs you in.
      </p>
    </form>
  )
}
