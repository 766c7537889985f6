import type { ExampleNames } from './example-names.ts'

/** The tabs of a first visit: overview, watch, run, recover, snapshots, health. They use names that this controller knows. */
export function makeExampleTabs({ app, proc, job, backup, series }: ExampleNames) {
  return [
    {
      query: `# What is backed up, and which backup of it is the newest good one.
query Overview {
  volumes(first: 50) {
    nodes {
      proc
      instanceNo
      name
      path
      server { ip reachable }
      lastGood { name size created }
      jobs {
        id
        spec
        nextRun
        lastRecord { state start reason }
      }
    }
    # For the next page: volumes(first: 50, after: "…")
    pageInfo { hasNextPage endCursor }
  }
}
`,
    },
    {
      query: `# Shows every run as it happens. Keep it open.
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
      query: `# Runs a job now. The first tab shows the ids of other jobs.
mutation Run($id: ID!) {
  runJob(id: $id) {
    rid
    state
  }
}
`,
      variables: JSON.stringify({ id: job }, null, 2),
    },
    {
      query: `# Restores a backup to its volume. The first tab shows the names of other backups.
mutation Recover($input: RecoverInput!) {
  recover(input: $input) {
    rid
    state
    reason
  }
}
`,
      variables: JSON.stringify({ input: { app, proc, backup, inUse: 'REFUSE' } }, null, 2),
    },
    {
      query: `# Shows the snapshots of an increment, and what changed since one of them.
query Snapshots($app: ID!, $proc: ID!, $name: ID!, $from: ID!) {
  backup(app: $app, proc: $proc, name: $name) {
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
      variables: JSON.stringify(
        { app: series.app, proc: series.proc, name: series.name, from: series.snapshot },
        null,
        2,
      ),
    },
    {
      query: `# Is everything backed up? If not: the worst volumes first, and why.
query Health {
  health {
    summary
    counts { state volumes }
  }
  volumes(order: WORST_FIRST, first: 20) {
    nodes {
      proc
      instanceNo
      name
      health { state because since }
    }
  }
}
`,
    },
  ]
}
