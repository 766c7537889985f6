import { type GraphQLFormattedError, print } from 'graphql'
import { ControllerError, type Execute, readResult } from './execute.ts'

interface HttpAnswer {
  data?: unknown
  errors?: GraphQLFormattedError[]
}

/** Runs typed documents at a controller, such as `http://127.0.0.1:9002`. Throws CONTROLLER_UNREACHABLE too. */
export function executeOverHttp(url: string): Execute {
  return async (document, variables) =>
    readResult(await post(url, JSON.stringify({ query: print(document), variables })))
}

async function post(url: string, body: string): Promise<HttpAnswer> {
  try {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(new URL('/graphql', url), { method: 'POST', headers, body })
    return (await answer.json()) as HttpAnswer
  } catch (error) {
    const why = error instanceof Error ? ((error.cause as Error | undefined) ?? error).message : String(error)
    const words = `The controller at ${url} does not answer as expected (${why}): check that it runs there`
    throw new ControllerError(words, { code: 'CONTROLLER_UNREACHABLE' })
  }
}
