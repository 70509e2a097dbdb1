/** `mqtt-jig status`: the broker at a glance. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes } from './admin-client.ts'
import { bytes, type Column, duration, printObject, safe, table, wantsTable } from './output.ts'

interface Overview {
  readonly version: string
  readonly nodeVersion: string
  readonly uptimeSeconds: number
  readonly state: string
  readonly clients: number
  readonly sessions: number
  readonly subscriptions: number
  readonly retained: number
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number }
}

interface ComponentItem {
  readonly name: string
  readonly kind: string
  readonly state: string
  readonly description?: string
  readonly unready?: string
  readonly error?: string
}

interface ListenerItem {
  readonly name: string
  readonly address: string
  readonly transport: string
  readonly connections: number
  readonly certificateDays?: number
}

export const spec: CommandSpec = {
  usage: '[options]',
  summary: 'Describes the broker: its state, what it holds, its listeners and components.',
  options: {
    components: { type: 'boolean', description: 'list all components, also those that run' },
    ...ADMIN_OPTIONS,
  },
  notes: `Exit code 1 also if a component does not run or cannot do its work. ${ADMIN_EXIT_CODES}`,
}

const LISTENERS: readonly Column<ListenerItem>[] = [
  { title: 'LISTENER', of: ({ name }) => name },
  { title: 'ADDRESS', of: ({ address }) => address },
  { title: 'TRANSPORT', of: ({ transport }) => transport },
  { title: 'CONNECTIONS', of: ({ connections }) => connections, isNumber: true },
  {
    title: 'CERTIFICATE',
    of: ({ certificateDays }) => (certificateDays === undefined ? '' : `${certificateDays} d`),
    isNumber: true,
  },
]

const COMPONENTS: readonly Column<ComponentItem>[] = [
  { title: 'COMPONENT', of: ({ name }) => name },
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'DESCRIPTION', of: ({ description, unready, error }) => error ?? unready ?? description },
]

const isHealthy = ({ state, unready }: ComponentItem): boolean =>
  state === 'disabled' || (state === 'running' && unready === undefined)

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  if (values.positionals.length > 0) throw new UsageError('status takes no argument.')
  const client = AdminClient.of(values, context)
  const [overview, { items: components }, { items: listeners }] = (await Promise.all([
    client.get('/overview'),
    client.get('/components'),
    client.get('/listeners'),
  ])) as [Overview, { items: readonly ComponentItem[] }, { items: readonly ListenerItem[] }]
  const unhealthy = components.filter((component) => !isHealthy(component))
  const { eventLoop, memory } = overview
  const rows = [
    [
      'State',
      unhealthy.length === 0 ? overview.state : `${overview.state}, ${unhealthy.length} components are not ready`,
    ],
    ['Version', `${overview.version}, Node ${overview.nodeVersion}`],
    ['Running for', duration(overview.uptimeSeconds)],
    ['Clients', overview.clients],
    ['Sessions', overview.sessions],
    ['Subscriptions', overview.subscriptions],
    ['Retained messages', overview.retained],
    [
      'Event-loop delay',
      `${eventLoop.p50Ms} ms median, ${eventLoop.p99Ms} ms 99th percentile, ${eventLoop.maxMs} ms maximum`,
    ],
    ['Memory', `${bytes(memory.rssBytes)}, of it ${bytes(memory.heapUsedBytes)} heap`],
  ] as const
  await printObject({ ...overview, components, listeners }, rows, values, context)
  if (wantsTable(values, context)) {
    await write(context.stdout, `\n${table(listeners, LISTENERS)}`)
    const shown = values.has('components') ? components : unhealthy
    if (shown.length > 0) await write(context.stdout, `\n${table(shown, COMPONENTS)}`)
  }
  const isOk = overview.state === 'running' && unhealthy.length === 0
  if (!isOk)
    context.stderr.write(`Not ready: ${safe(unhealthy.map(({ name }) => name).join(', ') || overview.state)}\n`)
  return isOk ? adminExitCodes.ok : adminExitCodes.failed
}

export const main = commandMain(spec, run)
