import { type GraphQLFormattedError, print } from 'graphql'
import { ControllerError, type Execute, readResult } from './execute.ts'

interface HttpAnswer {
  data?: unknown
  errors?: GraphQLFormattedError[]
}

/**
 * Runs typed documents at a controller, such as `http://127.0.0.1:9002`. Throws CONTROLLER_UNREACHABLE too.
 * @param token of the caller; undefined: anonymous
 */
export function executeOverHttp(url: string, token?: string): Execute {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  return async (document, variables) => {
    const body = JSON.stringify({ query: print(document), variables })
    return readResult(await post(url, { method: 'POST', headers, body }))
  }
}

async function post(url: string, request: RequestInit): Promise<HttpAnswer> {
  try {
    const answer = await fetch(new URL('/graphql', url), { ...request, redirect: 'error' })
    return (await answer.json()) as HttpAnswer
  } catch (error) {
    const why = error instanceof Error ? ((error.cause as Error | undefined) ?? error).message : String(error)
    const words = `The controller at ${url} does not answer as expected (${why}): check that it runs there`
    throw new ControllerError(words, { code: 'CONTROLLER_UNREACHABLE' })
  }
}
