import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { openSocket } from '../generator/open-socket.ts'
import { encodeConnect, encodePublish, PacketType } from '../generator/packets.ts'
import type { BrokerProcess } from './broker-process.ts'
import { everyoneTopic } from './contents.ts'

/** One message to all receivers, from PUBLISH until the turn of the event loop after PUBACK. In milliseconds. */
export interface FanOutReport {
  readonly longestHoldMs: number
  /** CPU time of the main thread; undefined where there is no /proc. */
  readonly cpuMs: number | undefined
  /** From PUBLISH to PUBACK. */
  readonly ackMs: number
}

/**
 * Publishes messages at QoS 1, one after the other, to sessions that are away.
 * @throws Error when an answer is not the expected one.
 */
export const measureFanOut = async (
  broker: BrokerProcess,
  repetitions: number,
  payloadBytes: number,
): Promise<FanOutReport[]> => {
  const socket = await openSocket({ host: '127.0.0.1', port: broker.port })
  const ask = async (packet: Buffer, answer: number): Promise<void> => {
    socket.write(packet)
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    if (bytes[0] !== answer << 4 || bytes.length !== 4) throw new Error(`The answer was ${bytes.toString('hex')}.`)
  }
  const template = { topic: everyoneTopic, qos: 1, version: 4, payloadBytes, userProperties: 0 } as const
  const { bytes, idOffset } = encodePublish(template)
  const reports: FanOutReport[] = []
  try {
    await ask(encodeConnect('bench-publisher', 4), PacketType.CONNACK)
    for (let repetition = 1; repetition <= repetitions; repetition += 1) {
      bytes.writeUInt16BE(repetition, idOffset)
      await broker.watchLoop()
      const before = mainThreadMs(broker.pid)
      const begin = performance.now()
      await ask(bytes, PacketType.PUBACK)
      const ackMs = performance.now() - begin
      const longestHoldMs = await broker.longestHold()
      const after = mainThreadMs(broker.pid)
      const cpuMs = before === undefined || after === undefined ? undefined : after - before
      reports.push({ longestHoldMs, cpuMs, ackMs })
    }
  } finally {
    socket.destroy()
  }
  return reports
}

/** CPU time of the first thread of a process, in milliseconds. The kernel counts it in nanoseconds here. */
const mainThreadMs = (pid: number): number | undefined => {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}
