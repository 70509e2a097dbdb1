/**
 * `npm run dashboard`: serves the dashboard from its sources, with changes at once, and passes its calls on to a running broker.
 *
 *     npm run dashboard                           the broker's admin API on http://127.0.0.1:18083
 *     npm run dashboard -- http://127.0.0.1:9000  on another address
 */

import { createServer } from 'vite'
import { dashboardOptions } from './dashboard/dashboard-options.ts'

const DEFAULT_BROKER = 'http://127.0.0.1:18083'

export const main = async ([broker = DEFAULT_BROKER]: readonly string[]): Promise<number> => {
  if (!URL.canParse(broker)) {
    console.error(`'${broker}' is no address of a broker. Use one like ${DEFAULT_BROKER}.`)
    return 2
  }
  const server = await createServer({
    ...dashboardOptions,
    // The broker answers only to names of its own in Host.
    server: { host: '127.0.0.1', proxy: { '/api': { target: broker, changeOrigin: true } } },
  })
  await server.listen()
  console.log(`Dashboard: ${server.resolvedUrls?.local[0]} with the broker ${broker}. Ctrl+C stops it.`)
  await new Promise((stopped) => process.once('SIGINT', stopped))
  await server.close()
  return 0
}
