import type { FastifyInstance } from 'fastify'
import { TEXT_PAGE_HEADERS } from './browser-headers.ts'

export interface StartPageOptions {
  version: string
  /** The GraphQL IDE was built. */
  hasIde: boolean
}

/** Serves `/` to browsers: links to the pages on this port. Programs get 404, as from the legacy system. */
export function addStartPage(app: FastifyInstance, options: StartPageOptions): void {
  const page = startPage(options)
  app.get('/', { config: { access: 'public' } }, ({ headers }, reply) => {
    if (!headers.accept?.includes('text/html')) return reply.callNotFound()
    return reply.headers({ 'content-type': 'text/html; charset=utf-8', ...TEXT_PAGE_HEADERS }).send(page)
  })
}

function startPage({ version, hasIde }: StartPageOptions): string {
  const ide = hasIde
    ? '<li><a href="/graphql">GraphQL IDE</a>: look at backups, run, watch and recover</li>'
    : '<li>GraphQL at <code>/graphql</code>, by POST; the IDE was not built (<code>npm run build</code>)</li>'
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>backupd</title></head>
  <body>
    <h1>backupd ${version}</h1>
    <ul>
      ${ide}
      <li><a href="/healthz">Health</a> of this controller and its servers</li>
      <li>The v1 and v2 URLs of the legacy system below <code>/api/</code></li>
    </ul>
  </body>
</html>
`
}
