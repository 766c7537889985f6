export interface Welcome {
  url: string
  inventory: string
  store: string
  example: boolean
  /** What callers without a token may do. */
  anonymous: 'none' | 'viewer' | 'admin'
  /** Where the token of the first start is. */
  tokenFile: string
  /** Signs a browser in, once; undefined if nobody may see it. */
  loginLink?: string | undefined
}

/** The text after the start: addresses and, with the example, four things to try. */
export function welcome(facts: Welcome): string {
  const { url, inventory, store, example, loginLink } = facts
  const signIn =
    loginLink === undefined
      ? ''
      : `  Sign in      ${loginLink}\n               (works once, within 10 minutes)\n`
  const head = `
backupd is up.

  GraphQL IDE  ${url}/graphql
  Inventory    ${inventory}
  Store        ${store}
  Access       ${describeAccess(facts)}
${signIn}`
  return `${head}${example ? tryThis(facts) : ''}\nCtrl-C stops it.\n`
}

function describeAccess({ anonymous, tokenFile }: Welcome): string {
  if (anonymous === 'none') return `with a token; one for everything is in ${tokenFile}`
  const may = anonymous === 'admin' ? 'do everything' : 'see everything'
  return `whoever reaches this address may ${may} without a token; docs/security.md says how to end that`
}

function tryThis({ url, inventory, anonymous, tokenFile }: Welcome): string {
  const signIn = anonymous === 'none' ? ` -u ":$(cat ${tokenFile})"` : ''
  const volume = inventory.replace(/inventory\.yaml$/, 'volumes/db')
  const files = inventory.replace(/inventory\.yaml$/, 'volumes/files')
  return `
Four things to try in the IDE (its tabs hold the queries):
  1. Overview: what is backed up, when next, and whether the newest backup is good.
  2. Watch: keep it open; a backup of the example runs every minute, live.
  3. Recover: delete something below ${volume}
     and recover it with a name from the first tab.
  4. Snapshots: change something below ${files},
     wait two minutes, and see the difference.
Or from a shell: curl -s${signIn} ${url}/graphql -H 'content-type: application/json' -d '{"query":"{ backups { nodes { name size created } } }"}'
`
}
