/** The rows of `crossing-classes.ts` for the server. */

import type { CrossingClass, CrossingRecord } from './crossing-class.ts'

const SERVER = 'components/server'
const OWN_PLACE = 'the successor has its own place'
const CONFIG = 'config of the successor'
const ONE_LINE = 'one line more may be logged'
const THIS_TURN = 'of the present turn; there is none between two'

const ofServer = (
  file: string,
  name: string,
  gives: readonly string[],
  forgotten: CrossingClass['forgotten'] = {},
): CrossingClass => ({ file: `${SERVER}/${file}`, class: name, gives, forgotten })

const connection: readonly CrossingClass[] = [
  ofServer('connection.ts', 'StreamConnection', ['handOver'], {
    '#owner': OWN_PLACE,
    '#awaitsEndOfTurn': 'what waits for the end of the turn is looked for anew',
    '#left': 'only of the object before',
  }),
  ofServer('connection-fields.ts', 'ConnectionFields', ['handOverFields'], { '#owner': OWN_PLACE }),
  ofServer('end-deadline.ts', 'EndDeadline', [], {
    atMs: '`ConnectionFields` hands it over',
    '#passed': OWN_PLACE,
    '#timer': 'the successor has its own',
  }),
  ofServer('connection-stages.ts', 'ConnectionStages', ['handOver'], { '#host': OWN_PLACE }),
  ofServer('pipeline.ts', 'OpenPipeline', [], {
    pipeline: '`ConnectionStages` hands it over',
    ends: '`ConnectionStages` hands them over',
    '#network': OWN_PLACE,
    '#guarded': OWN_PLACE,
  }),
  ofServer('connection-input.ts', 'ConnectionInput', ['handOver'], {
    '#owner': OWN_PLACE,
    '#host': OWN_PLACE,
    '#stream': OWN_PLACE,
    '#decoder': 'opened anew',
    '#work': THIS_TURN,
    '#share': THIS_TURN,
    '#turn': THIS_TURN,
  }),
  ofServer('connection-output.ts', 'ConnectionOutput', ['handOver'], {
    '#owner': OWN_PLACE,
    '#host': OWN_PLACE,
    '#sink': OWN_PLACE,
    '#written': OWN_PLACE,
    '#source': 'flushed before',
    '#start': 'flushed before',
    '#end': 'flushed before',
    '#batch': 'flushed before',
    '#isSending': 'of the present call',
    '#isTaken': 'of the present call',
    '#drainedInPart': 'a function',
  }),
  ofServer('socket-reads.ts', 'SocketReads', ['handOver'], {
    lastTurn: 'it counts as alive',
    reader: OWN_PLACE,
    socket: OWN_PLACE,
    '#owner': OWN_PLACE,
  }),
  ofServer('stream-port.ts', 'StreamPort', [], {
    to: 'set to the successor',
    written: 'a function of the port, which crosses',
    readFailed: 'a function of the port, which crosses',
  }),
]

const shared: readonly CrossingClass[] = [
  ofServer('shared-input.ts', 'SharedInput', ['handOver']),
  ofServer('read-buffer.ts', 'ReadBuffer', [], {
    memory: '`SharedInput` hands it over',
    offset: THIS_TURN,
    '#stays': THIS_TURN,
    '#arena': THIS_TURN,
    '#arenaUsed': THIS_TURN,
    '#views': 'made when they are needed',
    '#pool': OWN_PLACE,
    '#endOfTurn': OWN_PLACE,
    '#used': 'given back by the object before',
    '#isOver': THIS_TURN,
  }),
  ofServer('own-readers.ts', 'OwnReaders', [], {
    '#readers': 'each follows with its connection',
    '#next': 'any of them may be next',
  }),
  ofServer('buffer-pool.ts', 'BufferPool', ['handOver']),
  ofServer('total-pending-bytes.ts', 'TotalPendingBytes', ['handOver'], {
    '#maximumBytes': CONFIG,
    '#log': OWN_PLACE,
    '#stalled': CONFIG,
    '#timer': 'the successor has its own',
    '#isStopped': 'the one that gives it stops, and the successor does not',
    '#waiting': 'each follows with its connection',
  }),
  ofServer('turn-budget.ts', 'TurnBudget', ['handOver'], {
    '#units': CONFIG,
    '#nowMs': OWN_PLACE,
    '#endOfTurn': OWN_PLACE,
    '#log': OWN_PLACE,
    '#waiting': 'each follows with its connection',
    '#awaitsEndOfTurn': THIS_TURN,
    '#turn': THIS_TURN,
    '#left': THIS_TURN,
    '#logInterval': ONE_LINE,
  }),
  ofServer('write-budget.ts', 'WriteBudget', [], {
    '#endOfTurn': OWN_PLACE,
    '#turnBytes': 'a constant',
    '#turn': THIS_TURN,
    '#written': THIS_TURN,
    postponed: '`giveShared` hands it over',
  }),
  ofServer('end-of-turn.ts', 'EndOfTurn', [], {
    '#items': 'each follows with its connection',
    '#readers': 'queued anew',
    '#last': 'done by the object before',
    '#scheduled': THIS_TURN,
    turn: 'only compared with itself',
    '#run': 'a function',
  }),
  ofServer('slow-readers.ts', 'SlowReaders', [], {
    stalledMs: CONFIG,
    '#connections': OWN_PLACE,
    '#counters': OWN_PLACE,
    '#log': OWN_PLACE,
    '#cutOffSinceLog': ONE_LINE,
    '#bytesSinceLog': ONE_LINE,
    '#logInterval': ONE_LINE,
  }),
]

const core: readonly CrossingClass[] = [
  ofServer('core.ts', 'Core', ['handOver'], {
    '#config': CONFIG,
    '#log': OWN_PLACE,
    '#entrance': OWN_PLACE,
    '#left': 'only of the object before',
    '#open': 'counted anew with the connections',
    draining: 'a server that stops hands over nothing',
    '#allGone': 'a server that stops hands over nothing',
  }),
  ofServer('core-listener.ts', 'CoreListener', ['handOver'], {
    connections: 'counted anew with the connections',
    '#entrance': OWN_PLACE,
  }),
  ofServer('admission.ts', 'Admission', ['handOver'], {
    '#places': OWN_PLACE,
    '#budget': OWN_PLACE,
    '#lastNumber': 'numbered anew, in the same order',
  }),
  ofServer('admission.ts', 'Arrival', [], {
    newcomer: '`Admission` hands it over',
    number: '`Admission` hands them over in this order',
    turns: '`Admission` hands it over',
    place: OWN_PLACE,
    '#admission': OWN_PLACE,
  }),
  ofServer('address-limits.ts', 'AddressLimits', ['handOver', 'suspend'], {
    maximumConnections: CONFIG,
    '#unlimited': CONFIG,
    '#open': 'counted anew with the connections',
    '#counters': OWN_PLACE,
    '#log': OWN_PLACE,
    '#logInterval': ONE_LINE,
  }),
  ofServer('bans.ts', 'Bans', ['records', '#all'], { '#limits': CONFIG }),
  ofServer('failures.ts', 'AuthenticationFailures', ['handOver'], { '#limits': CONFIG }),
  {
    file: 'src/network/address-rates.ts',
    class: 'AddressRates',
    gives: ['handOver'],
    forgotten: { '#limits': CONFIG },
  },
  ofServer('refusals.ts', 'Refusals', ['handOver'], { '#counters': OWN_PLACE, '#log': OWN_PLACE }),
  ofServer('mqtt-server.ts', 'MqttServer', ['handOver'], {
    '#log': OWN_PLACE,
    '#transports': OWN_PLACE,
    '#config': CONFIG,
    '#move': 'only of a successor',
    '#moved': 'only of a successor',
  }),
  ofServer('tcp-transport.ts', 'TcpTransport', ['give'], {
    name: OWN_PLACE,
    transport: 'a constant',
    adoptable: 'a constant',
    '#failed': OWN_PLACE,
    '#config': CONFIG,
    '#options': CONFIG,
    '#host': 'found by the socket that listens',
    '#port': 'found by the socket that listens',
    '#makeSocket': OWN_PLACE,
    '#target': 'set when it is served',
    '#endAccepting': 'called when it is held',
    '#waiting': 'empty while it is served',
  }),
]

export const serverClasses: readonly CrossingClass[] = [...connection, ...shared, ...core]

const record = (file: string, name: string, ...takenBy: readonly string[]): CrossingRecord => ({
  file: `${SERVER}/${file}`,
  interface: name,
  takenBy: takenBy.map((taker) => `${SERVER}/${taker}`),
})

export const serverRecords: readonly CrossingRecord[] = [
  record('connection-record.ts', 'ConnectionRecord', 'connection.ts', 'core.ts'),
  record('connection-fields.ts', 'FieldsRecord', 'connection-fields.ts', 'connection.ts', 'core.ts'),
  record('connection-stages.ts', 'StagesRecord', 'connection-stages.ts'),
  record('connection-input.ts', 'InputRecord', 'connection-input.ts'),
  record('connection-output.ts', 'OutputRecord', 'connection-output.ts'),
  record('socket-reads.ts', 'ReadsRecord', 'socket-reads.ts'),
  record('total-pending-bytes.ts', 'TotalRecord', 'total-pending-bytes.ts'),
  record('turn-budget.ts', 'BudgetRecord', 'turn-budget.ts'),
  record('make-owner.ts', 'SharedRecord', 'make-owner.ts'),
  record('core-record.ts', 'CoreRecord', 'core.ts', 'taken-listeners.ts', 'reopening-adjustment.ts'),
  record('core-record.ts', 'ServerRecord', 'mqtt-server.ts'),
  record('core-record.ts', 'TcpRecord', 'tcp-transport.ts'),
  record('core-listener.ts', 'ListenerRecord', 'core-listener.ts', 'taken-listeners.ts'),
  record('admission.ts', 'ArrivalRecord', 'core.ts'),
  record('address-limits.ts', 'AddressRecord', 'address-limits.ts'),
]
