import { type Family, single } from './family.ts'

/** The state of the process at a request: it is asked for once, for all numbers that it has. */
export class ProcessState {
  memory = process.memoryUsage()
  cpu = process.cpuUsage()
  eventLoop = performance.eventLoopUtilization()

  read(): void {
    this.memory = process.memoryUsage()
    this.cpu = process.cpuUsage()
    this.eventLoop = performance.eventLoopUtilization()
  }
}

/** The process and Node.js, under the names that client libraries of Prometheus give them. */
export const processFamilies = (state: ProcessState): readonly Family[] => {
  const seconds = (name: string, help: string, read: () => number): Family =>
    single(`${name}_seconds`, 'counter', help, read, 'seconds')
  const bytes = (name: string, help: string, read: () => number): Family =>
    single(`${name}_bytes`, 'gauge', help, read, 'bytes')
  const all = 'CPU time of the process and of the operating system for it.'
  const heap = 'Memory that the heap of JavaScript has from the operating system.'
  const external = 'Memory of buffers and other data outside the heap of JavaScript.'
  const started = 'When the process started, in seconds since 1970.'
  return [
    seconds('process_cpu_user', 'CPU time of the code of the process.', () => state.cpu.user / 1e6),
    seconds('process_cpu_system', 'CPU time of the operating system for it.', () => state.cpu.system / 1e6),
    seconds('process_cpu', all, () => (state.cpu.user + state.cpu.system) / 1e6),
    bytes('process_resident_memory', 'Physical memory of the process.', () => state.memory.rss),
    single('process_start_time_seconds', 'gauge', started, () => performance.timeOrigin / 1e3, 'seconds'),
    bytes('nodejs_heap_size_used', 'Memory of objects of JavaScript.', () => state.memory.heapUsed),
    bytes('nodejs_heap_size_total', heap, () => state.memory.heapTotal),
    bytes('nodejs_external_memory', external, () => state.memory.external),
    seconds('nodejs_eventloop_active', 'Time in which the event loop worked.', () => state.eventLoop.active / 1e3),
    seconds('nodejs_eventloop_idle', 'Time in which the event loop waited.', () => state.eventLoop.idle / 1e3),
  ]
}

/** Which program this is. */
export const buildFamilies = (version: string): readonly Family[] => [
  info('mqtt_jig_build', 'The version of mqtt-jig.', [['version', version]]),
  info('nodejs_version', 'The version of Node.js.', [['version', process.version]]),
]

const info = (name: string, help: string, labels: readonly (readonly [string, string])[]): Family => ({
  ...{ name, help, type: 'info' },
  samples: [{ labels, read: () => 1 }],
})
