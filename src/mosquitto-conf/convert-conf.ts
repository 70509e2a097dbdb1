/** From a mosquitto.conf to the source of a system config. */

import { Access, type AccessEntry } from './access.ts'
import { type BridgeEntry, takeBridges } from './bridge-options.ts'
import { placeOf } from './conf-line.ts'
import { takeGeneral, type Values } from './general-options.ts'
import { type GroupedConf, groupConf } from './group-conf.ts'
import { type ListenerEntry, takeListeners } from './listener-options.ts'
import { Notes, shown } from './notes.ts'
import { isPersistence, takePersistence } from './persistence.ts'
import { readConf } from './read-conf.ts'
import { type SourceEntry, systemSource } from './system-source.ts'

export interface ConvertedConf {
  /** The source of the system config, in JavaScript that is TypeScript too. */
  readonly source: string
  /** How many lines need the attention of the operator. */
  readonly notes: number
  /** The directory of the sessions and messages; undefined if they are in memory. */
  readonly data: string | undefined
}

/**
 * Converts the config of a mosquitto.
 * @param file its path. @param hasIPv6 whether this machine can listen on `::`.
 * @throws ConfError with the file and the line if the config cannot be read.
 */
export const convertConf = (file: string, hasIPv6: boolean): ConvertedConf => {
  const notes = new Notes()
  const conf = groupConf(readConf(file, notes))
  const others = conf.general.filter((line) => !isPersistence(line))
  const general = takeGeneral([...others, ...ofHandler(conf)], notes)
  const { store, path } = takePersistence(conf.general.filter(isPersistence), notes)
  const access = new Access(conf, notes)
  const [server, ...transports] = takeListeners({ conf, access, notes, hasIPv6 })
  for (const line of conf.plugins) notes.add(line, PLUGIN)
  const { logger, broker, mqttDecoder, mqttHandler, sysTopics } = general
  const entries: SourceEntry[] = [
    { name: 'logger', component: 'logger', config: logger },
    { name: 'router', component: 'router' },
    store,
    ...[...access.authenticators, ...access.authorizers].map(accessEntry),
    {
      ...{ name: 'broker', component: 'broker', config: broker },
      dependencies: {
        ...{ router: 'router', store: 'store' },
        ...{ authorizers: access.authorizers.map(({ name }) => name), logger: 'logger' },
      },
    },
    { name: 'mqttDecoder', component: 'mqttDecoder', config: mqttDecoder },
    {
      ...{ name: 'mqttHandler', component: 'mqttHandler', config: mqttHandler },
      dependencies: {
        broker: 'broker',
        authenticators: access.authenticators.map(({ name }) => name),
        authenticationMethods: [],
        logger: 'logger',
      },
    },
    { name: 'mqttEncoder', component: 'mqttEncoder' },
    {
      ...listenerEntry(server!, general.server),
      dependencies: { pipeline: ['mqttDecoder', 'mqttHandler', 'mqttEncoder'], logger: 'logger' },
    },
    ...transports.map((each) => listenerEntry(each)),
    ...(Object.keys(sysTopics).length === 0 ? [] : [sysTopicsEntry(sysTopics)]),
  ]
  const bridges = takeBridges(conf.bridges, new Set(entries.map(({ name }) => name)), notes)
  const title = `Written by mqtt-jig init from ${file}.`
  const source = systemSource(title, remarks(notes), [...entries, ...bridges.map(bridgeEntry)])
  return { source, notes: notes.all.length, data: path }
}

const PLUGIN = 'plugins of mosquitto cannot be used: what this one decided is not decided here'

/** Options that mosquitto counts among those of security, and that are values of the handler. */
const ofHandler = ({ security }: GroupedConf) =>
  ['allow_zero_length_clientid', 'auto_id_prefix', 'psk_file'].flatMap((name) => security.get(name) ?? [])

const accessEntry = ({ name, component, config, comment }: AccessEntry): SourceEntry => ({
  ...{ name, component, config },
  ...(component === 'clientCertificate' ? {} : { dependencies: { logger: 'logger' } }),
  ...(comment !== undefined && { comment }),
})

const sysTopicsEntry = (config: Values): SourceEntry => ({
  ...{ name: 'sysTopics', component: 'sysTopics', config, dependencies: { broker: 'broker', logger: 'logger' } },
})

const bridgeEntry = ({ name, config, comment }: BridgeEntry): SourceEntry => ({
  ...{ name, component: 'bridge', config, dependencies: { broker: 'broker', logger: 'logger' } },
  ...(comment !== undefined && { comment }),
})

const listenerEntry = ({ name, component, config, comment }: ListenerEntry, more: Values = {}): SourceEntry => ({
  ...{ name, component, config: { ...config, ...more }, dependencies: { logger: 'logger' } },
  ...(comment !== undefined && { comment }),
})

/** In the order of the lines, by file. */
const remarks = ({ all }: Notes): string[] => {
  const files = [...new Set(all.map(({ line }) => line.file))]
  const inOrder = [...all].sort(
    ({ line: a }, { line: b }) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line,
  )
  return [...new Set(inOrder.map(({ line, text }) => `${placeOf(line)}: ${shown(line)}: ${text}.`))]
}
