/** The tabs of a first visit: look, run, watch, recover. */
export const EXAMPLES = [
  {
    query: `# What is backed up, and how good is its newest backup?
query Overview {
  apps {
    procs {
      name
      instances {
        no
        server { ip reachable }
        volumes {
          name
          path
          lastGood { name size created }
          jobs {
            id
            spec
            nextRun
            lastRecord { state start reason }
          }
        }
      }
    }
  }
}
`,
  },
  {
    query: `# Every run as it happens. Keep it open.
subscription Watch {
  recordUpdated {
    seq
    kind
    record {
      rid
      action
      state
      reason
      progress {
        phase
        bytesDone
        bytesTotal
        currentPath
        etaSeconds
      }
    }
  }
}
`,
  },
  {
    query: `# The id of a job stands in the first tab.
mutation Run($id: ID!) {
  runJob(id: $id) {
    rid
    state
  }
}
`,
    variables: '{ "id": "" }',
  },
  {
    query: `# Puts a volume back to what a backup holds.
# Its name stands in the first tab.
mutation Recover($input: RecoverInput!) {
  recover(input: $input) {
    rid
    state
    reason
  }
}
`,
    variables: `{
  "input": {
    "app": "shop",
    "proc": "web",
    "backup": "",
    "inUse": "REFUSE"
  }
}`,
  },
  {
    query: `# The points in time of an increment, and what changed since one of them.
query Snapshots($name: ID!, $from: ID!) {
  backup(app: "shop", proc: "web", name: $name) {
    snapshotCount
    snapshots {
      id
      created
      good
      size
      bytesAdded
    }
    diff(from: $from) {
      nodes {
        change
        path
      }
    }
  }
}
`,
    variables: `{
  "name": "shop-shop.web.web-1-data-files",
  "from": ""
}`,
  },
]
