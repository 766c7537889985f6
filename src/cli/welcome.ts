export interface Welcome {
  url: string
  inventory: string
  store: string
  example: boolean
}

/** The text after the start: addresses and, with the example, four things to try. */
export function welcome({ url, inventory, store, example }: Welcome): string {
  const facts = `
backupd is up.

  GraphQL IDE  ${url}/graphql
  Inventory    ${inventory}
  Store        ${store}
`
  return `${facts}${example ? tryThis(url, inventory) : ''}\nCtrl-C stops it.\n`
}

function tryThis(url: string, inventory: string): string {
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
Or from a shell: curl -s ${url}/graphql -H 'content-type: application/json' -d '{"query":"{ backups { nodes { name size created } } }"}'
`
}
