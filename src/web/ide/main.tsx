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

const wsUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`

// Queries go over HTTP, subscriptions over graphql-ws, both on the path this page came from.
const fetcher = createGraphiQLFetcher({
  url: '/graphql',
  wsClient: createClient({ url: wsUrl, lazy: true, shouldRetry: () => true }),
})

const root = document.getElementById('ide')
if (root) {
  const examples = makeExampleTabs(await readExampleNames('/graphql'))
  createRoot(root).render(<GraphiQL fetcher={fetcher} defaultEditorToolsVisibility defaultTabs={examples} />)
}
