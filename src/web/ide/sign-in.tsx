import { type FormEvent, useState } from 'react'
import type { Root } from 'react-dom/client'

/** Headers with a token; none if callers without one are answered. */
export type SignInHeaders = Record<string, string>

/** Resolves at once if the controller answers without a token; otherwise asks for one until it is valid. */
export async function signIn(root: Root, url: string): Promise<SignInHeaders> {
  const problem = await findRefusal(url, {})
  if (problem === null) return {}
  return new Promise((resolve) => root.render(<SignIn url={url} problem={problem} onSignedIn={resolve} />))
}

/** What the controller says against these headers; null if it answers. */
async function findRefusal(url: string, headers: SignInHeaders): Promise<string | null> {
  try {
    const body = JSON.stringify({ query: '{ viewer { name } }' })
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const { errors } = (await answer.json()) as { errors?: { message: string }[] }
    return errors?.[0]?.message ?? null
  } catch {
    return 'The controller does not answer. Check that it runs'
  }
}

interface SignInProps {
  url: string
  problem: string
  onSignedIn(headers: SignInHeaders): void
}

/** The token stays in the memory of this page: it is gone when the page is loaded again. */
function SignIn({ url, problem: first, onSignedIn }: SignInProps) {
  const [problem, setProblem] = useState(first)
  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = String(new FormData(event.currentTarget).get('token')).trim()
    const headers = { authorization: `Bearer ${token}` }
    const found = await findRefusal(url, headers)
    if (found === null) onSignedIn(headers)
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
        directory. With it, <code>backupd token create</code> makes others.
      </p>
    </form>
  )
}
