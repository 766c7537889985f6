// What a browser loads: the GraphQL IDE, with an example for each task in examples.ts. vite.config.ts builds it into
// static files, which controller/ serves under /ide/. It talks to the controller over HTTP and graphql-ws alone.

import 'graphiql/setup-workers/vite'
import 'graphiql/style.css'
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { createClient } from 'graphql-ws'
import { createRoot } from 'react-dom/client'
import { readExampleNames } from './example-names.ts'
import { makeExampleTabs } from './examples.ts'
import { hasSession, signIn, signOut } from './sign-in.tsx'

const wsUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`

/** Queries go over HTTP, subscriptions over graphql-ws, both on the path this page came from. */
function createFetcher() {
  return createGraphiQLFetcher({
    url: '/graphql',
    wsClient: createClient({ url: wsUrl, lazy: true, shouldRetry: () => true }),
  })
}

const element = document.getElementById('ide')
if (element) {
  const root = createRoot(element)
  await signIn(root, '/graphql')
  const examples = makeExampleTabs(await readExampleNames('/graphql'))
  const canSignOut = await hasSession('/graphql')
  root.render(
    <GraphiQL fetcher={createFetcher()} defaultEditorToolsVisibility defaultTabs={examples}>
      {canSignOut && (
        <GraphiQL.Logo>
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        </GraphiQL.Logo>
      )}
    </GraphiQL>,
  )
}
