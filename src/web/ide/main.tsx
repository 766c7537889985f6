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
import { type SignInHeaders, signIn } from './sign-in.tsx'

const wsUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`

/** Queries go over HTTP, subscriptions over graphql-ws, both on the path this page came from. */
function createFetcher(headers: SignInHeaders) {
  return createGraphiQLFetcher({
    url: '/graphql',
    headers,
    wsClient: createClient({ url: wsUrl, lazy: true, shouldRetry: () => true, connectionParams: headers }),
  })
}

const element = document.getElementById('ide')
if (element) {
  const root = createRoot(element)
  const headers = await signIn(root, '/graphql')
  const fetcher = createFetcher(headers)
  const examples = makeExampleTabs(await readExampleNames('/graphql', headers))
  root.render(<GraphiQL fetcher={fetcher} defaultEditorToolsVisibility defaultTabs={examples} />)
}
