/** Runs the micro-benchmarks and prints a table. Compare numbers of one machine and one run alone. */

import { Bench } from 'tinybench'
import { batch } from './batch.ts'
import { addCodec } from './codec.ts'
import { addRoutes } from './routes.ts'
import { addTopics } from './topics.ts'

/** How long each of them runs, in milliseconds. */
const timeMs = 500

const bench = new Bench({ time: timeMs, warmupTime: 100 })
addTopics(bench)
addRoutes(bench)
addCodec(bench)
const [part = ''] = process.argv.slice(2)
for (const { name } of bench.tasks) if (!name.includes(part)) bench.remove(name)
await bench.run()
console.table(
  bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed')
      throw new Error(`${name} ${result.state}`, 'error' in result ? { cause: result.error } : {})
    const { p50, rme } = result.latency
    return { name, 'median ns': Number(((p50 * 1e6) / batch).toFixed(1)), '± %': Number(rme.toFixed(1)) }
  }),
)
